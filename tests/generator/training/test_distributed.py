import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generator import checkpoint
from generator.model import VideoModel
from generator.models import get_model
from generator.training.distributed import Workers
from tests.generator.training.stages_worker import gradients

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).with_name("distributed_worker.py")
STAGES_WORKER = Path(__file__).with_name("stages_worker.py")


@pytest.fixture()
def start(tmp_path) -> Path:
    torch.manual_seed(0)
    generator = VideoModel(get_model("tiny").config)
    torch.nn.init.normal_(generator.network.after[-1].weight, std=0.05)
    checkpoint.save(tmp_path / "diffusion.safetensors", generator, torch.float32)
    return tmp_path


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("bfloat16", 0.05)])
def test_two_sharded_processes_equal_one(start, clip_folder, precision, tolerance):
    """The same batch on both: every loss of three steps (each depends on the updates before it) and the weights. In
    bfloat16 what inference keeps in float32 is so in training, too, sharded or not."""
    alone, shared = start / "alone.json", start / "shared.json"
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments, result in (([], alone), (launcher, shared)):
        command = [sys.executable, *arguments, str(WORKER), str(start), str(clip_folder), str(result), precision]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    expected, found = json.loads(alone.read_text()), json.loads(shared.read_text())
    assert found["processes"] == 2 and found["sharded"] and not expected["sharded"]
    assert expected["exact"] and found["exact"]
    assert expected["losses"].keys() == found["losses"].keys()
    for stage, losses in expected["losses"].items():
        for step, (before, after) in enumerate(zip(losses, found["losses"][stage]), 1):
            for key in before:
                if precision == "float32" or key in ("loss", "d_pairing", "g_loss"):
                    allowed = step * tolerance * max(1, abs(before[key]))  # rounding adds up from update to update
                    assert abs(before[key] - after[key]) < allowed, (stage, key)
    assert abs(expected["weights"] - found["weights"]) < tolerance * abs(expected["weights"])


@pytest.fixture(scope="module")
def gradients_of_one_process():
    return gradients(Workers(torch.device("cpu")))


@pytest.mark.parametrize("processes", [2, 4])
def test_a_step_of_every_stage_of_the_paper_on_shares_of_a_batch_equals_one_process(
    gradients_of_one_process, processes, tmp_path
):
    """Every process has its own part of the clips and of the noise; what the optimizers get is that of all of them."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *launcher, str(STAGES_WORKER), str(tmp_path / "gradients.safetensors")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found, expected = load_file(tmp_path / "gradients.safetensors"), gradients_of_one_process
    assert found.keys() == expected.keys()
    updates = {name.rsplit(".", 1)[0] for name in expected}
    assert sorted(update.split(".")[0] for update in updates) == ["consistency", "diffusion", *["long"] * 4]
    for update in updates:
        names = [name for name in expected if name.startswith(f"{update}.")]
        largest = max(expected[name].abs().max() for name in names)
        assert largest > 1e-4
        for name in names:
            assert (found[name] - expected[name]).abs().max() < 1e-5 * max(1, largest), name
