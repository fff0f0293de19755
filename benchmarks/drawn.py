"""How drawn characters blink and talk: the share of their eyes' and mouths' boxes that is not skin, over a clip.

    python benchmarks/drawn.py PORTRAIT ... [--clip CLIP] [--size 256] [--seconds 4] [--sheets DIR] [--boxes PNG]

The clip drives every portrait with the warp alone. In every frame the boxes of the eyes and of the mouth are brought
back to the portrait's place by the head's motion, and their pixels are counted that differ from the skin around them.
Reported are, for the eyes (mean of both) and for the mouth: `follow`, the correlation of that share with the driver's
lids (the gap of the inner lips for the mouth), and `range`, how much of its largest value the share comes and goes
(2nd to 98th percentile). The boxes are those of the portrait's landmarks around eyes and lips, which were moved to
where the drawing has them: look at `--boxes` whether they are on the eyes and on the mouth, for figures tell only what
happens inside of them. What hangs before an eye or shades the skin there counts as well, and takes from the range.
Then the CPU time that the painters of one frame take.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from pose.portrait.drawn.colours import CHROMA_WEIGHT, SKIN, spread
from pose.tracking.features import EYES, MOUTH
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, fit_similarity
from pose.tracking.signals import expression
from pose.tracking.tracker import Tracker
from puppet.core.character import Character, load_character
from puppet.core.driver import check_face_seen, track
from puppet.core.puppeteer import Puppeteer
from puppet.core.timings import Timings
from puppet.errors import PuppetError
from puppet.media import DRIVER
from puppet.media.video_reader import FPS, VideoReader

PERCENTILES = (2, 98)  # of the share over time, between which its range is taken
PARTS = ("right_eye", "left_eye", "mouth")
GROWN = 1.15  # times the landmarks' box, in which the outline is
ROOM = 0.6  # of a mouth's width below a closed one, into which it opens
SIDE = 96  # px of a box, in which its pixels are counted
TILE = 128  # px of a face on a sheet
BOXED, BOXED_COLUMNS = 220, 7  # px of a portrait, and portraits a row, on the sheet of boxes
COLUMNS = 12  # faces on a sheet's row


@dataclass(frozen=True)
class Part:
    """One box of a portrait: corners (4, 3) in 3D pixels, and the skin's colour in it, (SIDE, SIDE, 3) Lab."""

    corners: np.ndarray
    skin: np.ndarray


def lab(picture: np.ndarray) -> np.ndarray:
    values = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2LAB).astype(np.float32)
    values[..., 1:] *= CHROMA_WEIGHT
    return values


def parts(character: Character) -> dict[str, Part]:
    """Where a portrait's eyes and mouth are."""
    portrait = character.portrait
    face = portrait.pose.face
    colours = lab(portrait.picture)
    oval = np.rint(face[list(FACE_OVAL), :2]).astype(np.int32)
    inside = cv2.fillPoly(np.zeros(colours.shape[:2], np.uint8), [oval], 1) > 0
    tone = _commonest(colours[inside])
    sure = inside & (np.linalg.norm(colours - tone, axis=2) < 2 * SKIN)
    local = spread(colours, sure, 0.03 * len(colours))
    depth = float(face[list(FACE_OVAL), 2].mean())
    found = {}
    for name, ring in zip(PARTS, (EYES[0].ring, EYES[1].ring, MOUTH.outer), strict=True):
        low, high = face[list(ring), :2].min(0), face[list(ring), :2].max(0)
        if name == "mouth":
            high[1] = max(high[1], low[1] + ROOM * (high[0] - low[0]))
        middle, half = (low + high) / 2, GROWN * (high - low) / 2
        ways = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        corners = np.array([[*(middle + half * way), depth] for way in ways], np.float32)
        found[name] = Part(corners, _boxed(local, corners[:, :2]))
    return found


def _commonest(colours: np.ndarray) -> np.ndarray:
    samples = colours[:: max(len(colours) // 1000, 1)]
    near = np.linalg.norm(samples[:, None] - samples[None], axis=2) < SKIN
    return samples[near[near.sum(1).argmax()]].mean(0)


def _boxed(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The quadrangle of a picture as a square of SIDE pixels."""
    square = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE]], np.float32)
    matrix = cv2.getAffineTransform(corners[:3].astype(np.float32), square)
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def share(picture: np.ndarray, part: Part, own: PoseFrame, target: PoseFrame) -> float:
    """Of a part's box in one frame (S, S, 3), that is not skin."""
    head = fit_similarity(own.face[RIGID_LANDMARKS], target.face[RIGID_LANDMARKS])
    seen = lab(_boxed(picture, head(part.corners)[:, :2]))
    return float(np.clip(np.linalg.norm(seen - part.skin, axis=2) / SKIN - 0.5, 0, 1).mean())


def figures(shares: np.ndarray, driver: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(shares, PERCENTILES)
    moving = shares.std() > 1e-6 and driver.std() > 1e-6
    follow = float(np.corrcoef(shares, driver)[0, 1]) if moving else 0.0
    return {"follow": round(follow, 3), "range": round(float((high - low) / max(high, 1e-6)), 3)}


def measure(character: Character, poses: list[PoseFrame]) -> tuple[dict, list[np.ndarray], list[PoseFrame]]:
    """Figures of one character, its frames and their poses."""
    own, found = character.portrait.pose, parts(character)
    puppeteer, shown = Puppeteer(own, drawn=character.portrait.drawing is not None), []
    targets = [puppeteer(pose) for pose in poses]
    behind = character.portrait.background
    spent = []
    shares: dict[str, list[float]] = {name: [] for name in PARTS}
    for target in targets:
        begin = time.thread_time()
        frame = character.conditioner.warp(target)
        spent.append(time.thread_time() - begin)
        alpha = frame[..., 3:].astype(np.float32) / 255
        picture = np.rint(frame[..., :3] + (1 - alpha) * behind).astype(np.uint8)
        for name in PARTS:
            shares[name].append(share(picture, found[name], own, target))
        shown.append(picture)
    face = [expression(pose) for pose in poses]
    lids = np.array([(e.lid_left + e.lid_right) / 2 for e in face])
    lips = np.array([e.mouth_open for e in face])
    eyes = np.mean([shares["right_eye"], shares["left_eye"]], 0)
    row = {
        "drawn": character.portrait.drawing is not None,
        "eyes": figures(eyes, lids),
        "mouth": figures(np.array(shares["mouth"]), lips),
        "right_eye": figures(np.array(shares["right_eye"]), lids),
        "left_eye": figures(np.array(shares["left_eye"]), lids),
        "ms": round(1000 * float(np.median(spent)), 2),
    }
    return row, shown, targets


def sheet(frames: list[np.ndarray], targets: list[PoseFrame], poses: list[PoseFrame]) -> np.ndarray:
    """The faces of a clip over time: evenly spaced, then those with the most closed eyes and the widest mouths."""
    face = [expression(pose) for pose in poses]
    lids = np.array([e.lid_left + e.lid_right for e in face])
    lips = np.array([e.mouth_open for e in face])
    chosen = list(np.linspace(0, len(frames) - 1, COLUMNS).astype(int))
    chosen += list(np.argsort(lids)[: COLUMNS // 2]) + list(np.argsort(-lips)[: COLUMNS // 2])
    tiles = []
    for k in chosen:
        oval = targets[k].face[list(FACE_OVAL), :2]
        middle, reach = oval.mean(0), 0.62 * float(np.ptp(oval, axis=0).max())
        scale = TILE / (2 * reach)
        matrix = np.array([[scale, 0, TILE / 2 - scale * middle[0]], [0, scale, TILE / 2 - scale * middle[1]]])
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        tiles.append(cv2.warpAffine(frames[k], matrix, (TILE, TILE), flags=flags))
    return rows_of(tiles, COLUMNS)


def boxes_drawn(character: Character, name: str) -> np.ndarray:
    """The portrait with the boxes in which it is measured."""
    picture = cv2.resize(character.portrait.picture, (BOXED, BOXED))
    scale = BOXED / len(character.portrait.picture)
    for part in parts(character).values():
        corners = [tuple(int(v) for v in scale * part.corners[k, :2]) for k in (0, 2)]
        cv2.rectangle(picture, *corners, (255, 0, 0), 1)
    return cv2.putText(picture, name, (4, BOXED - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 0, 0), 1)


def rows_of(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.concatenate([np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--clip", type=Path, default=DRIVER)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the clip")
    parser.add_argument("--sheets", type=Path, help="folder for a sheet of faces over time for every portrait")
    parser.add_argument("--boxes", type=Path, help="picture to write: every portrait with the boxes that are measured")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    report, boxed = {}, []
    try:
        with Tracker(body_every=0) as tracker:
            frames = islice(VideoReader(args.clip).frames(), round(args.seconds * FPS))
            poses = list(track(frames, tracker, Timings()))
        check_face_seen(poses, args.clip)
    except PuppetError as error:
        raise SystemExit(f"drawn: {error}") from error
    poses = [pose for pose in poses if pose.face is not None]
    for path in args.portraits:
        try:
            character = load_character(path, args.size, "original")
        except PuppetError as error:
            report[path.stem] = {"error": str(error)}
            continue
        report[path.stem], shown, targets = measure(character, poses)
        boxed.append(boxes_drawn(character, path.stem))
        if args.sheets:
            args.sheets.mkdir(parents=True, exist_ok=True)
            picture = sheet(shown, targets, poses)
            cv2.imwrite(str(args.sheets / f"{path.stem}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if args.boxes and boxed:
        cv2.imwrite(str(args.boxes), cv2.cvtColor(rows_of(boxed, BOXED_COLUMNS), cv2.COLOR_RGB2BGR))
    if args.json:
        print(json.dumps({"size": args.size, "clip": args.clip.stem, "portraits": report}))
        return
    print(f"{'portrait':<20}{'eyes follow':>12}{'range':>7}{'mouth follow':>14}{'range':>7}{'ms':>7}")
    for name, row in report.items():
        if "error" in row:
            print(f"{name:<20}  {row['error']}")
            continue
        values = [row[part][figure] for part in ("eyes", "mouth") for figure in ("follow", "range")]
        drawn = "" if row["drawn"] else "   taken for no drawing"
        cells = "".join(f"{value:>{width}.2f}" for value, width in zip(values, (12, 7, 14, 7), strict=True))
        print(f"{name:<20}{cells}{row['ms']:>7.1f}{drawn}")


if __name__ == "__main__":
    main()
