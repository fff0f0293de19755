"""Every kind of component that a model's configuration may name."""

from __future__ import annotations

from ..codecs.patch import PatchCodecConfig
from ..controls.none import NoControlConfig
from ..controls.portrait import PortraitControlConfig
from ..portrait.stem import StemConfig
from ..portrait.trunk import TrunkConfig
from ..spaces import IdentitySpace, ResidualSpace

COMPONENTS: tuple[type, ...] = (
    PatchCodecConfig, NoControlConfig, PortraitControlConfig, StemConfig, TrunkConfig, IdentitySpace, ResidualSpace,
)
