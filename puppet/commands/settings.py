"""`puppet settings`: what `puppet live` would use, as a file to start from."""

from __future__ import annotations

import argparse

from puppet.commands import arguments, live, settings_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings_file.add_file(parser)
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    flags, resolved = live.settings(args.settings, args.profile)
    values = {key: getattr(resolved, key) for key in flags.defaults}
    plain = {key: None if value is None else settings_file.plain(value) for key, value in values.items()}
    exists = args.settings.exists()
    head = f"# {args.settings}" + ("" if exists else " (not there yet)")
    facts = {"file": str(args.settings), "exists": exists, "values": plain}
    arguments.answer(args, facts, f"{head}\n{flags.as_toml(values)}".rstrip())
