"""The program `puppet`: finds the command, turns every failure into one line on stderr and an exit code.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from types import ModuleType

from puppet.errors import PuppetError, nearest

# command: (module with add_arguments(parser) and run(args), one line of help)
COMMANDS = {
    "render": ("puppet.commands.render", "make a video of a portrait that moves as a driving video moves"),
    "live": (
        "puppet.commands.live",
        "let a portrait live: from a webcam into a virtual camera, browser, window or file",
    ),
    "demo": ("puppet.commands.demo", "try portraits, videos and the webcam on a page in the browser"),
    "cameras": ("puppet.commands.cameras", "list the cameras of this machine"),
    "settings": ("puppet.commands.settings", "show the settings of puppet live, as a file to start from"),
    "doctor": ("puppet.commands.doctor", "look at everything that puppet live needs, and name what is missing"),
    "bench": ("puppet.commands.bench", "measure the speed of every stage on this machine"),
    "generate": ("puppet.commands.generate", "make a clip from a prompt, a picture and a camera's path"),
    "import": ("puppet.commands.import_weights", "turn published weights into a file of this program"),
    "actors": ("puppet.commands.actors", "render synthetic actors as training data"),
    "prepare": ("puppet.commands.prepare", "turn own video clips into training data"),
    "train": ("puppet.commands.train", "train a model"),
    "fit": ("puppet.commands.fit", "fit the model to one person, in ten minutes"),
    "evaluate": ("puppet.commands.evaluate", "measure a model on clips, against baselines"),
}


class UsageError(PuppetError):
    """The command line itself is wrong: exit code 2."""


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    def _get_help_string(self, action: argparse.Action) -> str | None:
        """The help with its default, except where that says nothing."""
        if isinstance(action.default, (list, tuple)):
            words = " ".join(str(value) for value in action.default).replace("%", "%%")
            return f"{action.help} (default: {words})" if words else action.help
        return action.help if action.default in (None, False) else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    def __init__(self, **options):
        super().__init__(allow_abbrev=False, formatter_class=HelpFormatter, **options)

    def error(self, message: str):
        raise UsageError(f"{message} (see {self.prog} --help)")


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, ModuleType]:
    """The parsed arguments and the module of the command."""
    listing = "\n".join(f"  {name:<10}{text}" for name, (_, text) in COMMANDS.items())
    if not argv or argv[0] in ("-h", "--help"):
        print(
            f"usage: puppet COMMAND ...\n\nOne portrait in, a living person out.\n\ncommands:\n{listing}\n\n"
            "puppet COMMAND --help tells more."
        )
        raise SystemExit(0 if argv else 2)
    if argv[0] == "--version":
        from importlib.metadata import version

        print(f"puppet {version('puppet-live')}")
        raise SystemExit(0)
    command, rest = argv[0], list(argv[1:])
    if command not in COMMANDS:
        raise UsageError(f"unknown command '{command}'{nearest(command, COMMANDS)} (see puppet --help)")
    module_name, text = COMMANDS[command]
    module = importlib.import_module(module_name)
    parser = Parser(prog=f"puppet {command}", description=(text[0].upper() + text[1:] + "."))
    module.add_arguments(parser)
    # argparse would complain of a missing option first, where one is only misspelt
    options = [option for action in parser._actions for option in action.option_strings]
    for word in rest:
        name = word.split("=")[0]
        if name.startswith("--") and name not in options:
            raise UsageError(f"unknown option '{name}'{nearest(name, options)} (see {parser.prog} --help)")
    return parser.parse_args(rest), module


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        args, module = parse(argv)
        module.run(args)
        sys.stdout.flush()
        return 0
    except UsageError as error:
        return _fail(str(error), 2)
    except PuppetError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt as stop:
        return _fail(str(stop) or "interrupted", 130)
    except BrokenPipeError:
        # The reader of our output went away; nothing is left to tell it, and the interpreter must not try to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="puppet-error-", suffix=".txt", delete=False) as report:
            traceback.print_exc(file=report)
        return _fail(f"unexpected {type(error).__name__}: {error}; please report it with {report.name}", 1)


def _fail(message: str, code: int) -> int:
    print("puppet: error: " + " ".join(message.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
