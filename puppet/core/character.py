"""One portrait, ready to be driven."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from pose.errors import PortraitError
from pose.portrait.preparation import Portrait, prepare_portrait
from pose.portrait.sidecar import read_sidecar
from pose.tracking.tracker import TrackerUnavailable
from pose.warp.conditioning import Conditioner
from puppet.core.background import Background
from puppet.core.look import PictureSize
from puppet.errors import reported_as_puppet_error
from puppet.media.pictures import read_picture


@dataclass(frozen=True, eq=False)
class Character:
    """A prepared portrait: its own maps, its background."""

    name: str
    portrait: Portrait
    size: PictureSize
    background: Background  # of that size
    conditioner: Conditioner = field(repr=False)

    @property
    def still(self) -> np.ndarray:
        """(height, width, 4) uint8 premultiplied RGBA: the person as the portrait has it."""
        return self.size.cut(self.portrait.person)

    @property
    def drawn(self) -> bool:
        """Whether the portrait is a drawing whose features were found."""
        return self.portrait.drawing is not None

    def own_maps(self) -> tuple[np.ndarray, np.ndarray]:
        """warp (4, S, S, 4) and guide (4, S/2, S/2, 8), uint8, of the portrait's own pose: the generator's
        reference."""
        own = self.conditioner.maps(self.portrait.pose)
        return np.repeat(own.warp[None], FRAMES_PER_LATENT, 0), np.repeat(own.guide[None], FRAMES_PER_LATENT, 0)


def load_character(
    portrait: str | Path | np.ndarray,
    size: int | str | tuple[int, int] | PictureSize,
    background: str,
    centred: bool = False,
    framing: str = "portrait",
) -> Character:
    """Prepare a portrait (a path, or a picture as `Puppet` takes it). Raises PuppetError where it cannot be used.

    centred, framing: as `prepare_portrait` has them.
    """
    shape = PictureSize.of(size)
    path = None if isinstance(portrait, np.ndarray) else Path(portrait)
    picture = portrait if isinstance(portrait, np.ndarray) else read_picture(path, "portrait", keep_alpha=True)
    with reported_as_puppet_error(PortraitError, TrackerUnavailable, about="" if path is None else f"portrait {path}"):
        marked = None if path is None else read_sidecar(path, (picture.shape[1], picture.shape[0]))
        prepared = prepare_portrait(picture, shape.side, marked, centred, framing, shape.aspect)
    behind = Background(background, shape.cut(prepared.background))
    name = "portrait" if path is None else path.name
    return Character(name, prepared, shape, behind, Conditioner(prepared.person, prepared.pose, prepared.drawing))
