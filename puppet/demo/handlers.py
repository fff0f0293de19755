"""What the parts of the page do. Every failure that a session can mend becomes a message on the page."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pose.errors import NoFaceError
from puppet.demo.marking import draw, shown_scale
from puppet.demo.quiet_gradio import gradio as gr
from puppet.demo.sessions import Sessions, TabSession
from puppet.errors import PuppetError
from puppet.media.alpha import composite, straight_alpha

PICTURE = "picture"  # the choice of a background that comes as a file
JPEG_QUALITY = 90
MESSAGE_SECONDS = 20


class Handlers:
    """The page's events. folder: where its files are, which no message should name."""

    def __init__(self, sessions: Sessions, folder: Path):
        self._sessions = sessions
        self._folders = re.compile(re.escape(str(folder)) + rf"(?:[{re.escape(os.sep)}][^\s{re.escape(os.sep)}]+)*"
                                   + f"[{re.escape(os.sep)}]")  # fmt: skip

    def clear_portrait(self, request: gr.Request) -> tuple:
        """Before another one is looked at, so that nothing of the last one stays if that fails."""
        with self._session(request) as session:
            session.set_portrait(None)
            session.marking = None
        return ("Looking for the face ...", *_panel(session))

    def choose_portrait(self, path: str | None, request: gr.Request) -> tuple:
        with self._session(request) as session:
            session.marking = None
            try:
                session.set_portrait(Path(path) if path else None)
            except PuppetError as error:
                if not isinstance(error.__cause__, NoFaceError):
                    raise
                session.mark()
                return ("**No face was found.** Mark its points in the picture, then it can be driven.",
                        *_panel(session))  # fmt: skip
        return ("Ready." if path else "Choose a portrait.", *_panel(session))

    def mark_by_hand(self, request: gr.Request) -> tuple:
        with self._session(request) as session:
            session.mark()
        return ("Mark the points in the picture.", *_panel(session))

    def mark_point(self, point: str | None, click: gr.SelectData, request: gr.Request) -> tuple:
        """A click on the picture places the chosen point; the next one that is needed is chosen then."""
        session = self._sessions.of(request.session_hash)
        if session.marking is None or point is None:
            return _panel(session)
        scale = shown_scale(session.marking.size)
        x, y = ((value + 0.5) / scale for value in click.index)
        session.marking = session.marking.marked(point, x, y)
        return _panel(session)

    def use_points(self, request: gr.Request) -> tuple:
        with self._session(request) as session:
            sidecar = session.use_marked()
        return ("Ready, with your points.", gr.DownloadButton(f"Download {sidecar.name}", value=str(sidecar),
                                                              interactive=True))  # fmt: skip

    def make_clip(
        self, driver: str | None, background: str, picture: str | None, strength: float, request: gr.Request
    ) -> Iterator[tuple]:
        """(clip, what to download, how far it is)"""
        with self._session(request) as session:
            if not driver:
                raise PuppetError("choose a video of a person who moves first")
            character, behind = session.staged(_background(background, picture))
            suffix = ".webm" if background == "transparent" else ".mp4"  # that a browser plays
            out = session.folder / f"{Path(driver).stem}-puppet{suffix}"
            yield None, gr.DownloadButton(interactive=False), "Starting ..."
            for progress in session.engine.clip(replace(character, background=behind), Path(driver), strength, out):
                yield gr.skip(), gr.skip(), progress
        yield str(out), gr.DownloadButton(value=str(out), interactive=True), progress

    def see(
        self, image: np.ndarray | None, background: str, picture: str | None, strength: float, request: gr.Request
    ) -> tuple[str, str]:
        """(the portrait as HTML, what is going on) for one picture of the webcam"""
        now = time.perf_counter()
        session = self._sessions.of(request.session_hash)
        try:
            character, behind = session.staged(_background(background, picture))
            if image is None:
                return gr.skip(), gr.skip()
            seen = session.camera().see(character, image, strength, now)
        except PuppetError as error:  # an exception would end the stream
            return gr.skip(), self._plain(error)
        return picture_html(composite(seen.person, behind.square), behind.square is None), seen.message

    def take_neutral(self, request: gr.Request) -> str:
        with self._session(request) as session:
            if session.webcam is None:
                raise PuppetError("start the webcam first, then look into it with your mouth closed")
            session.webcam.take_neutral()
        return "Taking your neutral face ..."

    def leave(self, request: gr.Request) -> None:
        self._sessions.leave(request.session_hash)

    @contextmanager
    def _session(self, request: gr.Request) -> Iterator[TabSession]:
        try:
            yield self._sessions.of(request.session_hash)
        except PuppetError as error:
            raise gr.Error(self._plain(error), duration=MESSAGE_SECONDS, print_exception=False) from error

    def _plain(self, error: PuppetError) -> str:
        """The message, with files named as the session knows them."""
        text = self._folders.sub("", str(error))
        return text[:1].upper() + text[1:]


def _panel(session: TabSession) -> tuple:
    """The marking part of the page: (its column, the picture, the list of points, the button to use them, sidecar)"""
    marking = session.marking
    download = gr.DownloadButton("Download the points", value=None, interactive=False)
    if marking is None:
        return gr.Column(visible=False), None, None, gr.Button(interactive=False), download
    picture = draw(session.picture, marking, marking.next)
    return gr.Column(visible=True), picture, marking.next, gr.Button(interactive=marking.next is None), download


def _background(choice: str, picture: str | None) -> str:
    if choice != PICTURE:
        return choice
    if not picture:
        raise PuppetError("choose the picture that is to be behind the portrait, or another background")
    return picture


def picture_html(rgba: np.ndarray, transparent: bool) -> str:
    """An <img> of (S, S, 4) uint8 premultiplied RGBA that needs no file. Sent many times a second, so kept small."""
    if transparent:
        kind, data = "png", cv2.imencode(".png", cv2.cvtColor(straight_alpha(rgba), cv2.COLOR_RGBA2BGRA))[1]
    else:
        bgr = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR)
        kind, data = "jpeg", cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    coded = base64.b64encode(data.tobytes()).decode()
    # decoded at once, or the picture would be blank for a moment at every change
    return f'<img class="puppet-live" alt="the portrait, live" decoding="sync" src="data:image/{kind};base64,{coded}">'
