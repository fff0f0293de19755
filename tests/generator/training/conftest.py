from pathlib import Path

import pytest
import torch

from tests.generator.training.synthetic import write_clips


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"), 4, size=64, length=12)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
