"""The measures as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# measure: (heading, format)
COLUMNS = {
    "psnr": ("psnr dB", ".1f"),
    "mouth_psnr": ("mouth psnr", ".1f"),
    "eyes_psnr": ("eyes psnr", ".1f"),
    "mouth_w1": ("mouth w1", ".1f"),
    "akd": ("akd %", ".2f"),
    "follow": ("follow", ".3f"),
    "amplitude": ("amplitude", ".2f"),
    "identity": ("identity", ".3f"),
    "sharpness": ("sharpness", ".2f"),
    "seam": ("seam", ".2f"),
    "face_rate": ("face", ".1%"),
    "elbow": ("elbow %", ".1f"),
    "wrist": ("wrist %", ".1f"),
    "hand_placed": ("hand placed", ".0%"),
    "hand_points": ("hand points %", ".1f"),
    "arm_follow": ("arm follow", ".2f"),
    "hand_found": ("hand found", ".0%"),
    "psnr_first": ("psnr first", ".1f"),
    "psnr_last": ("psnr last", ".1f"),
    "psnr_drift": ("drift", "+.2f"),
    "identity_first": ("identity first", ".3f"),
    "identity_last": ("identity last", ".3f"),
    "identity_drift": ("drift", "+.4f"),
    "colour_first": ("colour first", "+.2f"),
    "colour_last": ("colour last", "+.2f"),
    "colour_drift": ("drift", "+.2f"),
}


def markdown(rows: dict[str, dict[str, float]], columns: Sequence[str]) -> str:
    """A table of {row: {column: value}}, aligned so that it can also be read as plain text."""
    cells = [["", *(COLUMNS[name][0] for name in columns)]]
    cells += [[label, *(shown(row[name], COLUMNS[name][1]) for name in columns)] for label, row in rows.items()]
    return aligned(cells)


def aligned(cells: Sequence[Sequence[str]]) -> str:
    """A table of words, its first line the heading."""
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]

    def line(values: Sequence[str]) -> str:
        first, *rest = (
            value.ljust(w) if i == 0 else value.rjust(w)
            for i, (value, w) in enumerate(zip(values, widths, strict=True))
        )
        return "| " + " | ".join([first, *rest]) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def shown(value: float, pattern: str) -> str:
    return format(value, pattern) if np.isfinite(value) else "∞" if value == np.inf else "–"
