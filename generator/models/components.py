"""Every kind of component that a model's configuration may name."""

from __future__ import annotations

from ..codecs.patch import PatchCodecConfig
from ..codecs.tiny import TinyCodecConfig
from ..codecs.wan import WanCodecConfig
from ..controls.camera import ProjectiveCameraConfig, RayCameraConfig
from ..controls.none import NoControlConfig
from ..controls.pictures import PicturesControlConfig
from ..controls.portrait import PortraitControlConfig
from ..portrait.stem import StemConfig
from ..portrait.trunk import TrunkConfig
from ..spaces import IdentitySpace, ResidualSpace

COMPONENTS: tuple[type, ...] = (
    PatchCodecConfig,
    TinyCodecConfig,
    WanCodecConfig,
    NoControlConfig,
    PicturesControlConfig,
    PortraitControlConfig,
    ProjectiveCameraConfig,
    RayCameraConfig,
    StemConfig,
    TrunkConfig,
    IdentitySpace,
    ResidualSpace,
)
