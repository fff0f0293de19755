import json

import pytest

from puppet.cli import main
from puppet.commands.arguments import height_and_width


def test_a_plan_counts_without_weights_or_gpu(capsys: pytest.CaptureFixture) -> None:
    assert main(["bench", "--plan", "--model", "apt2-8b", "--size", "1280x720", "--gpus", "8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == pytest.approx(8.0e9, rel=0.02)
    assert found["tokens"] == 3600 and found["size"] == [1280, 720]
    assert sum(count for part, count in found["flop"].items() if part != "total") == found["flop"]["total"]
    assert found["communication_bytes_a_card"] > 0
    assert found["bounds"]["H100"]["fits"] and found["bounds"]["H100"]["fps"] > found["bounds"]["A100"]["fps"]


def test_a_plan_is_a_table_too(capsys: pytest.CaptureFixture) -> None:
    assert main(["bench", "--plan", "--model", "tiny"]) == 0
    assert "H100" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, code, message", [
    (
        ["--plan", "--model", "apt2-8b", "--size", "735x416"], 1,
        "cannot make 735x416: width and height are multiples of 16",
    ),
    (["--plan", "--model", "apt2-8b", "--gpus", "7"], 1, "cannot be shared by 7 cards"),
    (["--plan", "--model", "apt3"], 1, "no model named 'apt3'"),
    (["--plan", "--size", "wide"], 2, "'wide' is no size"),
])
def test_impossible_plans_end_in_one_line(arguments, code, message, capsys: pytest.CaptureFixture) -> None:
    assert main(["bench", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_sizes_are_width_by_height() -> None:
    assert height_and_width("256") == (256, 256)
    assert height_and_width("1280x720") == (720, 1280)
