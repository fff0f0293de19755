import numpy as np
import pytest

from puppet.core.models import load_stream
from puppet.core.puppet import Puppet
from puppet.demo.engine import Engine
from puppet.errors import PuppetError
from puppet.media import PORTRAIT


def test_the_warp_alone_is_what_the_network_is_given() -> None:
    stream = load_stream("warp", "shipped", 64, "auto")
    warp = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 4), np.uint8)
    stream.lock(warp[0], warp, np.zeros((4, 32, 32, 8), np.uint8))
    made = stream.step(warp, np.zeros((4, 32, 32, 8), np.uint8))
    np.testing.assert_array_equal(made, warp)
    assert not np.shares_memory(made, warp)


def test_the_portrait_at_its_own_pose_stays_itself() -> None:
    puppet = Puppet(PORTRAIT, model="warp", size=128)
    frame = next(iter(puppet.animate([puppet.portrait.pose] * 4)))
    difference = np.abs(frame[..., :3].astype(int) - puppet.portrait.picture)
    assert difference.mean() < 2  # grey levels


def test_the_warp_has_no_weights() -> None:
    with pytest.raises(PuppetError, match="the warp has no weights"):
        Puppet(PORTRAIT, model="warp", weights="random")
    with pytest.raises(PuppetError, match="the warp has no weights"):
        Engine("warp", "random", "cpu", 128)
