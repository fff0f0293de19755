"""The settings file: one TOML file whose keys are the flags of `puppet live`, with profiles for different occasions.

    camera = "Logitech BRIO"
    output = ["virtual-camera", "window"]

    [profiles.stream]
    output = ["browser"]
    background = "transparent"

A flag on the command line wins over the profile, the profile over the rest of the file, the file over the defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from puppet.errors import PuppetError, nearest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "puppet"
NOT_KEYS = ("help", "profile", "settings", "json")
PROFILES = "profiles"


def settings_path() -> Path:
    """Where the file is looked for on this system."""
    return Path(platformdirs.user_config_dir(NAME, appauthor=False)) / "settings.toml"


@dataclass(frozen=True)
class _Default:
    """Marks a value that was not given on the command line; help shows it as the value itself."""

    value: Any

    def __str__(self) -> str:
        return " ".join(map(str, self.value)) if isinstance(self.value, list) else str(self.value)


class Flags:
    """The flags of one parser as keys of the settings file.

    Made after all flags were added. From then on the parser's results have to go through `resolve`.
    """

    def __init__(self, parser: argparse.ArgumentParser):
        self._actions = {a.dest: a for a in parser._actions if a.option_strings and a.dest not in NOT_KEYS}
        self.defaults = {
            dest: False if isinstance(action, argparse.BooleanOptionalAction) else action.default
            for dest, action in self._actions.items()
        }
        for action in self._actions.values():
            if action.default is not None:
                action.default = _Default(action.default)

    def resolve(self, args: argparse.Namespace, path: Path) -> argparse.Namespace:
        """The same arguments, with what was not given taken from the file. Raises PuppetError for a wrong file."""
        content = read_settings(path)
        profiles = content.pop(PROFILES, {})
        if not isinstance(profiles, dict) or not all(isinstance(part, dict) for part in profiles.values()):
            raise PuppetError(f"settings {path}: {PROFILES} must be tables such as [{PROFILES}.stream]")
        values = self._checked(content, path, "")
        chosen = {name: self._checked(part, path, f"{PROFILES}.{name}.") for name, part in profiles.items()}
        if args.profile is not None:
            if args.profile not in chosen:
                known = f"; there are {', '.join(chosen)}" if chosen else "; it has none"
                raise PuppetError(f"settings {path} have no profile '{args.profile}'{known}")
            values |= chosen[args.profile]
        resolved = dict(vars(args))
        for dest in self._actions:
            # a yes or no that was not given is None; False is the --no-X of the command line
            if resolved[dest] is None or isinstance(resolved[dest], _Default):
                resolved[dest] = values.get(dest, self.defaults[dest])
        return argparse.Namespace(**resolved)

    def _checked(self, table: dict, path: Path, where: str) -> dict[str, Any]:
        """The table's values, converted as on the command line, by the parser's names."""
        keys = {dest.replace("_", "-"): dest for dest in self._actions}
        values = {}
        for key, value in table.items():
            if key not in keys:
                raise PuppetError(f"settings {path}: unknown key '{where}{key}'{nearest(key, keys)}")
            values[keys[key]] = self._converted(self._actions[keys[key]], value, f"settings {path}: {where}{key}")
        return values

    def _converted(self, action: argparse.Action, value: Any, about: str) -> Any:
        if isinstance(action, argparse.BooleanOptionalAction):
            if not isinstance(value, bool):
                raise PuppetError(f"{about} must be true or false, not {json.dumps(value, default=str)}")
            return value
        many = action.nargs in ("+", "*")
        items = value if many and isinstance(value, list) else [value]
        if any(isinstance(item, (bool, list, dict)) for item in items):
            raise PuppetError(f"{about} cannot be {json.dumps(value, default=str)}")
        try:
            converted = [action.type(str(item)) if callable(action.type) else str(item) for item in items]
        except ValueError as error:
            raise PuppetError(f"{about} cannot be {json.dumps(value, default=str)}: a number is needed") from error
        return converted if many else converted[0]

    def as_toml(self, values: dict[str, Any]) -> str:
        """A commented settings file with these values."""
        lines = ["# Settings of `puppet live`. Take the # away in front of what you change.", ""]
        for dest, action in self._actions.items():
            key, value = dest.replace("_", "-"), values.get(dest)
            lines.append(f"# {action.help}")
            shown = json.dumps(plain(value) if value is not None else "")
            lines.append(f"{'' if value != self.defaults[dest] else '# '}{key} = {shown}")
        return "\n".join([*lines, "", "# [profiles.stream]", '# output = ["browser"]', ""])


def plain(value: Any) -> Any:
    """The value as JSON and TOML have it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (bool, int, float)) else str(value)


def read_settings(path: Path) -> dict[str, Any]:
    """The file's content, {} where the usual one is not there. Raises PuppetError where another is not, or is no
    TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if path == settings_path():
            return {}
        raise PuppetError(f"settings {path} are not there: make them with puppet settings > {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PuppetError(f"settings {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise PuppetError(f"settings {path} are no TOML: {error}") from error


def add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settings", type=Path, default=settings_path(), metavar="FILE", help="file with a key for every flag"
    )
    parser.add_argument("--profile", metavar="NAME", help="use this profile of the settings file")
