"""OBS's browser source in a real browser. Skipped where there is no Chromium or no playwright."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.buffered_frames import BufferedFrames
from puppet.live.sender import Sender
from puppet.live.server import Server
from puppet.live.session import still
from puppet.live.statistics import Statistics
from puppet.outputs.browser import Browser
from tests.puppet.live.stand_ins import make_character

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_the_page_shows_the_person_over_its_own_background():
    playwright = pytest.importorskip("playwright.sync_api")
    output = Browser()
    frames = BufferedFrames(Statistics(), AdaptiveQuality(1 / 24))
    sender = Sender(still(make_character(grey=90, size=256)), frames, Statistics(), print)
    sender.add(output)
    server = Server(0, output, None, dict)
    sender.start()
    try:
        with playwright.sync_playwright() as driven:
            browser = driven.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 256, "height": 256})
            failures = []
            page.on("pageerror", lambda error: failures.append(str(error)))
            page.goto(server.address)
            page.wait_for_function("window.frames_shown > 10", timeout=60_000)
            bare = shot(page)
            page.evaluate("document.body.style.background = 'rgb(255, 0, 0)'")
            over_red = shot(page)
            browser.close()
    finally:
        server.close()
        sender.close()
    assert failures == []
    assert bare[5, 5, 3] == 0 and tuple(bare[128, 128]) == (90, 90, 90, 255)
    assert tuple(over_red[5, 5, :3]) == (255, 0, 0) and tuple(over_red[128, 128, :3]) == (90, 90, 90)


def shot(page) -> np.ndarray:
    """(256, 256, 4) what is on the page, transparent where nothing is."""
    return np.asarray(Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA"))
