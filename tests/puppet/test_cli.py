"""What is typed wrongly is answered in one line."""

import pytest

from puppet.cli import COMMANDS, main


def test_usage_errors_name_the_nearest(fails):
    assert "did you mean render?" in fails("rendr", code=2)
    assert "did you mean --portrait?" in fails("render", "--potrait", "a.png", code=2)
    assert "did you mean --clips?" in fails("actors", "out", "--clip", "3", code=2)
    assert "invalid picture_size value: 'big'" in fails("render", "--size", "big", code=2)
    assert "expected one argument" in fails("render", "--out", code=2)
    assert "unrecognized arguments: more" in fails("bench", "more", code=2)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_defaults(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"usage: puppet {command}" in out and "(default: " in out and "(default: None)" not in out


def test_an_unexpected_error_is_one_line_and_keeps_its_trace(fails, monkeypatch, capfd):
    def broken(args):
        raise RuntimeError("boom\nand more")

    monkeypatch.setattr("puppet.commands.render.run", broken)
    assert main(["render"]) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and "RuntimeError: boom and more" in err
    report = err.rsplit(" ", 1)[1].strip()
    assert "Traceback" in open(report).read()


def test_ctrl_c_ends_with_130(monkeypatch, capfd):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("puppet.commands.render.run", interrupted)
    assert main(["render"]) == 130
    assert capfd.readouterr().err == "puppet: error: interrupted\n"
