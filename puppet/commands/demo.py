"""The command: one page on this machine, and a private folder that is gone when it ends."""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

from puppet.commands import arguments
from puppet.core.signals import end_on_signals
from puppet.errors import PuppetError, port_reported

# The browser is told to ask nobody but this page for anything.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=7860, metavar="N", help="port of the page")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on; any other lets other machines in"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address, open no browser")
    arguments.add(parser, "--size", default=512)
    arguments.add(parser, "--framing", "--hands", *arguments.MODEL)


def run(args: argparse.Namespace) -> None:
    check_free(args.host, args.port)
    end = threading.Event()
    # the private folder is deleted in every case
    with (
        end_on_signals(end.set),
        tempfile.TemporaryDirectory(prefix="puppet-demo-", ignore_cleanup_errors=True) as folder,
    ):
        # before Gradio is imported; it makes no copies of what is in there already
        os.environ["GRADIO_TEMP_DIR"] = folder
        _serve(args, Path(folder), end)


def _serve(args: argparse.Namespace, folder: Path, end: threading.Event) -> None:
    from puppet.demo.engine import Engine
    from puppet.demo.page import build_page, look
    from puppet.demo.quiet_gradio import known
    from puppet.demo.sessions import Sessions

    sessions = Sessions(
        Engine(args.model, args.weights, args.device, args.size, args.seed, args.framing, args.hands), folder
    )
    page = build_page(sessions, folder)
    options = known(
        page.launch,
        server_name=args.host,
        server_port=args.port,
        share=False,
        inbrowser=not args.no_browser,
        quiet=True,
        show_error=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        pwa=False,
        run_history=False,
        footer_links=[],
        show_api=False,
        app_kwargs={"middleware": middleware(args.host)},
        **look(),
    )
    try:
        page.launch(**options)
        print(f"puppet: http://{args.host}:{args.port}/  (end with Ctrl-C)", file=sys.stderr, flush=True)
        end.wait()
    finally:
        page.close(verbose=False)
        sessions.close()


def check_free(host: str, port: int) -> None:
    """Raises PuppetError where nothing can listen there."""
    if not 0 < port < 65536:
        raise PuppetError(f"there is no port {port}: give a number from 1024 to 65535")
    with port_reported(port, f"port {port} of {host}", "give --port another"), socket.create_server((host, port)):
        pass


def middleware(host: str) -> list:
    """Headers that keep the browser at home and, on a page for this machine only, other websites away."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    class Policy:
        def __init__(self, app):
            self._app = app

        async def __call__(self, scope, receive, send):
            async def sent(message):
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
                await send(message)

            await self._app(scope, receive, sent if scope["type"] == "http" else send)

    kept = [Middleware(Policy)]
    if is_loopback(host):
        # a website whose name was made to point at this machine comes with that name
        kept.append(Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", host]))
    return kept


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
