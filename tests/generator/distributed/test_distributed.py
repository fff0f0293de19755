import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).with_name("worker.py")


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("check", ["decoders", "stream"])
def test_several_processes_equal_one(check: str, processes: int) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launcher, str(WORKER), check], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
