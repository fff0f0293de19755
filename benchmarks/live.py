"""All figures of benchmarks/live.md in one command, as Markdown; on a machine that does nothing else.

    python benchmarks/live.py [--driver FILE] [--clips FILE ...] [--soak-minutes 30 --portraits FOLDER]

About eight minutes without the soak. --driver: a video that plays the camera, over and over, instead of the bundled
one; --clips: videos of people for what reprojection costs the picture.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
BUSY = 2  # processes that keep a core busy each: a game
SECONDS = 60  # of a run


def answer(*command: object) -> dict:
    """What a command prints as JSON; its messages are shown as they come."""
    done = subprocess.run([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True)
    lines = done.stdout.strip().splitlines()
    if not lines:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode} and no figures")
    return json.loads(lines[-1])


@contextmanager
def busy() -> Iterator[None]:
    """Other programs that take all that they can get."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def live(driver: str, *flags: object) -> dict:
    return answer(
        "-m", "puppet.cli", "live", "--camera", driver, "--output", "none", "--seconds", SECONDS, "--json", *flags
    )


def row(name: str, figures: dict) -> str:
    """One run of `puppet live`."""
    motion, appearance, rss = figures["motion_latency_ms"], figures["appearance_latency_ms"], figures["rss_mib"]
    cells = (
        figures["new_pictures_per_second"], f"{motion['p50']}, {motion['p95']}",
        f"{appearance['p50']}, {appearance['p95']}", figures["max_gap_ms"], f"{rss['start']}, {rss['end']}",
        *(figures["ms"][stage] for stage in ("track", "reproject", "generate", "decode")),
    )  # fmt: skip
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def black_box(name: str, size: int, *live_flags: str) -> str:
    made = answer(HERE / "black_box.py", "--size", size, "--json", "--live", " ".join(live_flags))
    seen, p = made["steps"], made["latency_ms"]
    return (
        f"| {name} | {seen} of {seen + made['steps_unseen']} | {p['p50']} | {p['p95']} | "
        f"{made['new_pictures_per_second']} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", default="synthetic")
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--soak-minutes", type=float, default=0.0)
    parser.add_argument("--portraits", type=Path, help="folder of at least two portraits, for the soak")
    args = parser.parse_args()
    if args.soak_minutes and args.portraits is None:
        parser.error("the soak changes portraits: give --portraits FOLDER")

    def say(line: str) -> None:
        print(line, flush=True)

    say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {date.today()}\n")
    say("| black box | steps seen | p50 ms | p95 ms | new pictures a second |\n|---|---:|---:|---:|---:|")
    say(black_box("256", 256))
    say(black_box("512", 512))
    with busy():
        say(black_box("256, beside two busy processes", 256))
    say(
        "\n| live | new pictures a second | motion p50, p95 ms | appearance p50, p95 ms | largest gap ms | "
        "memory MiB | track | reproject | generate | decode |\n|---|" + 9 * "---:|"
    )
    say(row("256", live(args.driver)))
    say(row("256, `--fps 30`", live(args.driver, "--fps", 30)))
    say(row("512", live(args.driver, "--size", 512)))
    with busy():
        say(row("256, beside two busy processes", live(args.driver)))
    if args.clips:
        made = answer(HERE / "reprojection.py", *args.clips, "--json")["clips"]
        say("\n| clip | reprojected dB | warp alone dB | held dB | flicker |\n|---|---:|---:|---:|---:|")
        for name, clip in made.items():
            p = clip["psnr_face"]
            say(f"| {name} | {p['reprojected']} | {p['warp']} | {p['held']} | {clip['flicker']} |")
    if args.soak_minutes:
        minutes, portraits = args.soak_minutes, args.portraits
        say("\n" + json.dumps(answer(HERE / "live_soak.py", "--minutes", minutes, "--portraits", portraits)))


if __name__ == "__main__":
    main()
