"""Light of rooms: a window or a lamp as key, the screen in front, the ceiling, and what comes from behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_DAY, _LAMP, _SCREEN = np.array([0.94, 1.0, 1.08]), np.array([1.16, 0.98, 0.74]), np.array([0.86, 0.98, 1.2])


@dataclass(frozen=True)
class Room:
    """Where a kind of room has its key light: ranges of radians, strength and size, the ambient light beside it."""

    share: float
    azimuth: tuple[float, float]
    elevation: tuple[float, float]
    strength: tuple[float, float]
    size: tuple[float, float]
    ambient: tuple[float, float]
    colour: np.ndarray


_ROOMS = {
    "window": Room(0.42, (0.25, 1.35), (0.05, 0.6), (0.9, 1.5), (0.3, 0.7), (0.10, 0.30), _DAY),
    "evening": Room(0.2, (0.2, 1.2), (0.3, 1.0), (0.7, 1.2), (0.08, 0.35), (0.06, 0.2), _LAMP),
    "office": Room(0.2, (0.0, 0.6), (0.8, 1.25), (0.7, 1.0), (0.35, 0.7), (0.25, 0.45), np.ones(3)),
    "front": Room(0.18, (0.0, 0.4), (0.0, 0.35), (0.8, 1.2), (0.3, 0.6), (0.15, 0.35), 0.5 * _DAY + 0.5),
}


@dataclass(frozen=True)
class RoomLight:
    """Four lights with an extent (the first one throws shadows) and a hemisphere of ambient light; linear colours.

    directions (4, 3) unit, towards the light; colours (4, 3); sizes (4,) 0 a point .. 1 half the sky.
    """

    directions: np.ndarray
    colours: np.ndarray
    sizes: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    shadow: float
    exposure: float

    def values(self) -> dict[str, object]:
        return {
            "light_direction": self.directions, "light_colour": self.colours, "light_size": self.sizes,
            "sky": self.sky, "ground": self.ground, "shadow_strength": float(self.shadow),
            "exposure": float(self.exposure),
        }  # fmt: skip


def sample_light(rng: np.random.Generator, natural: bool) -> RoomLight:
    """Day through a window, a lamp in the evening, or an office ceiling; garish colours unless natural."""
    side = rng.choice([-1.0, 1.0])
    room = _ROOMS[rng.choice(list(_ROOMS), p=[room.share for room in _ROOMS.values()])]
    colour, ambient = room.colour, rng.uniform(*room.ambient)
    behind = (rng.random() < 0.45) * rng.uniform(0.15, 0.9)
    lights = (  # direction, strength, size: key, screen, fill, from behind
        (_direction(side * rng.uniform(*room.azimuth), rng.uniform(*room.elevation)), rng.uniform(*room.strength),
         rng.uniform(*room.size)),
        (_direction(rng.normal(0, 0.15), -rng.uniform(0.1, 0.45)), rng.uniform(0.05, 0.45), rng.uniform(0.35, 0.6)),
        (_direction(-side * rng.uniform(0.4, 1.4), rng.uniform(0.0, 0.8)), rng.uniform(0.03, 0.35),
         rng.uniform(0.4, 0.8)),
        (_direction(rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 2.8), rng.uniform(0.1, 0.7)), behind,
         rng.uniform(0.1, 0.5)),
    )  # fmt: skip
    spread = 0.03 if natural else 0.4
    tints = np.clip(rng.normal(1.0, spread, (4, 3)), 0.1, 1.9)
    whites = np.stack([colour, _SCREEN, 0.5 * colour + 0.5, _DAY if rng.random() < 0.5 else _LAMP])
    balance = 0.55 * colour + 0.45  # cameras correct a part of the light's colour
    colours = np.stack([strength * tint * white / balance
                        for (_, strength, _), tint, white in zip(lights, tints, whites)])  # fmt: skip
    sky = ambient * colour / balance * np.clip(rng.normal(1.0, spread, 3), 0.3, 1.6)
    # A camera meters on the face.
    facing = np.stack([direction for direction, _, _ in lights]) @ np.array([0.0, 0.1, 0.99])
    metered = float((colours.mean(1) * np.clip(0.35 + 0.65 * facing, 0, 1)).sum() + sky.mean() * 0.8)
    return RoomLight(
        directions=np.stack([direction for direction, _, _ in lights]),
        colours=colours,
        sizes=np.array([size for _, _, size in lights]),
        sky=sky,
        ground=sky * rng.uniform(0.35, 0.75) * np.array([1.05, 1.0, 0.92]),
        shadow=rng.uniform(0.75, 1.0),
        exposure=rng.uniform(0.75, 1.3) / max(metered, 0.1),
    )


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector; azimuth 0 is the camera's side."""
    c = np.cos(elevation)
    return np.array([np.sin(azimuth) * c, np.sin(elevation), np.cos(azimuth) * c])
