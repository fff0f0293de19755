"""`puppet settings`: what `puppet live` would use, as a file to start from."""

from __future__ import annotations

import argparse
import json

from puppet.commands import live, settings_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    settings_file.add_file(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def run(args: argparse.Namespace) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    live.add_arguments(parser)
    given = parser.parse_args(["--profile", args.profile] if args.profile else [])
    resolved = vars(given.flags.resolve(given, args.settings))
    values = {key: resolved[key] for key in given.flags.defaults}
    if args.json:
        plain = {key: None if value is None else settings_file.plain(value) for key, value in values.items()}
        print(json.dumps({"file": str(args.settings), "exists": args.settings.exists(), "values": plain}))
        return
    print(f"# {args.settings}" + ("" if args.settings.exists() else " (not there yet)"))
    print(given.flags.as_toml(values), end="")
