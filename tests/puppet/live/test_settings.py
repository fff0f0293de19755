"""One file whose keys are the flags, profiles over it, the command line over all."""

import argparse
import json
from pathlib import Path

import pytest

from puppet.commands import live as command
from puppet.commands import settings as settings_command
from puppet.commands import settings_file as settings
from puppet.errors import PuppetError

tomllib = settings.tomllib  # Python 3.10 has none of its own


def resolve(path, *words):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args([*words, "--settings", str(path)])
    return args.flags.resolve(args, args.settings)


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "settings.toml").write_text(text)
        return tmp_path / "settings.toml"

    return write


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("puppet.commands.settings_file.settings_path", lambda: tmp_path / "none.toml")
    args = resolve(tmp_path / "none.toml")
    assert (args.camera, args.output, args.size, args.mirror, args.seed) == ("0", ["window"], 256, False, 0)
    assert args.portrait.name == "portrait.png" and args.seconds is None
    with pytest.raises(PuppetError, match="streem.toml are not there"):  # one that was named is meant
        resolve(tmp_path / "streem.toml")


def test_command_line_over_profile_over_file_over_defaults(file):
    path = file(
        'camera = "BRIO"\nsize = 128\nseed = 5\nmirror = true\n'
        '[profiles.stream]\noutput = ["browser", "a.webm"]\nsize = 192\nbackground = "transparent"\n'
    )
    args = resolve(path)
    assert (args.camera, args.size, args.seed, args.mirror, args.output) == ("BRIO", 128, 5, True, ["window"])
    args = resolve(path, "--profile", "stream")
    assert (args.size, args.output, args.background) == (192, ["browser", "a.webm"], "transparent")
    args = resolve(path, "--profile", "stream", "--size", "64", "--seed", "0", "--no-mirror", "--camera", "0")
    assert (args.size, args.seed, args.mirror, args.camera, args.output[0]) == (64, 0, False, "0", "browser")


def test_every_flag_has_its_key(file):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    keys = {key.replace("_", "-") for key in parser.parse_args([]).flags.defaults}
    flags = {a.option_strings[0].removeprefix("--") for a in parser._actions if a.option_strings}
    assert flags - keys == {"-h", "profile", "settings", "json"}


@pytest.mark.parametrize(
    "text, message",
    [
        ('portait = "a.png"', "unknown key 'portait'; did you mean portrait"),
        ("[profiles.meeting]\nbackgroud = 'blur'", "unknown key 'profiles.meeting.backgroud'; did you mean background"),
        ("port = 'big'", 'port cannot be "big": a number is needed'),
        ("mirror = 1", "mirror must be true or false"),
        ("camera = [1]", r"camera cannot be \[1\]"),
        ("camera = ", "are no TOML"),
        ("profiles = 3", r"profiles must be tables such as \[profiles.stream\]"),
    ],
)
def test_a_wrong_file_is_one_line(file, text, message):
    with pytest.raises(PuppetError, match=message) as failure:
        resolve(file(text))
    assert "\n" not in str(failure.value).strip()


def test_a_profile_that_is_not_there_names_those_that_are(file):
    with pytest.raises(PuppetError, match="no profile 'game'; there are stream"):
        resolve(file("[profiles.stream]\nsize = 64"), "--profile", "game")


def test_the_command_writes_a_file_that_it_reads(file, capsys):
    from puppet.cli import HelpFormatter

    path = file('camera = "BRIO"\nmirror = true\n[profiles.stream]\noutput = ["browser"]\n')
    parser = argparse.ArgumentParser(formatter_class=HelpFormatter)
    settings_command.add_arguments(parser)
    settings_command.run(parser.parse_args(["--settings", str(path), "--profile", "stream"]))
    printed = capsys.readouterr().out
    content = tomllib.loads(printed)
    assert content == {"camera": "BRIO", "mirror": True, "output": ["browser"]}
    again = Path(str(path) + "2")
    again.write_text(printed.replace("# size = ", "size = "))
    assert resolve(again).size == 256 and resolve(again).output == ["browser"]
    settings_command.run(parser.parse_args(["--settings", str(path), "--json"]))
    assert json.loads(capsys.readouterr().out)["values"]["camera"] == "BRIO"


def test_help_shows_defaults_as_they_are():
    from puppet.cli import Parser

    parser = Parser(prog="puppet live")
    command.add_arguments(parser)
    text = parser.format_help()
    assert "(default: 256)" in text and "(default: window)" in text and "_Default" not in text
    assert "(default: None)" not in text
