"""Serves rerun's page with a policy that keeps the browser from contacting other machines.

rerun's page loads a font, asks for new releases and sends usage data to rerun's makers, and no
option turns that off. rerun's server in this process would listen on all addresses. So a short run
of rerun's own program, bound to this machine, gives the files of the page. This server adds a
Content-Security-Policy, and the browser refuses every request to another machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from pose_action_ros.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ['serve_page']

_FILES = ('', 're_viewer.js', 're_viewer_bg.wasm', 'favicon.ico', 'apple-touch-icon.png', 'sw.js')
_START_S = 60.0  # of rerun's program, on a busy machine
_LOOK_S = 0.05
_SOURCES = "'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob: data:"


class _File(NamedTuple):
    content: bytes
    kind: str


def serve_page(host: str, port: int, program: Path, program_port: int) -> None:
    """Serve rerun's page, until the process ends.

    Args:
        host: Address of this machine.
        port: Port of the page.
        program: rerun's program.
        program_port: Port of the program, which ends before this function returns.

    Raises:
        ConfigError: The program does not start.
        OSError: The port is in use.
    """
    files = _page_files(host, program, program_port)
    policy = f'default-src {_SOURCES}; connect-src {_SOURCES} http://{host}:*'

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_GET(self) -> None:
            """Send a file with the policy."""
            file = files.get(self.path.partition('?')[0].lstrip('/'))
            if file is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                self.send_response(HTTPStatus.OK)
                self.send_header('Content-Type', file.kind)
                self.send_header('Content-Length', str(len(file.content)))
                self.send_header('Content-Security-Policy', policy)
                self.end_headers()
                self.wfile.write(file.content)
            except ConnectionError:  # the browser has closed the page
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _page_files(host: str, program: Path, port: int) -> dict[str, _File]:
    with _running(host, program, port) as process:
        source, end_s = f'http://{host}:{port}/', time.monotonic() + _START_S
        while True:
            try:
                return {name: file for name in _FILES if (file := _read(source + name))}
            except (urllib.error.URLError, ConnectionError) as error:
                if process.poll() is not None or time.monotonic() > end_s:
                    raise ConfigError(
                        f'{program} does not serve the page ({error}): install rerun-sdk again'
                    ) from error
                time.sleep(_LOOK_S)


@contextmanager
def _running(host: str, program: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Rerun's program, with its usage data turned off and its files in a temporary folder."""
    with TemporaryDirectory(prefix='pose_action_view_') as home:
        settings = Path(home, 'rerun', 'analytics.json')
        settings.parent.mkdir()
        paths = {'config_file_path': str(settings), 'data_dir_path': home}
        off = {'analytics_enabled': False, 'analytics_id': '', 'metadata': {}, **paths}
        settings.write_text(json.dumps(off), encoding='utf-8')
        places = dict.fromkeys(('HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'), home)
        ports = ['--web-viewer-port', str(port), '--port', '0']
        process = subprocess.Popen(
            [program, '--serve-web', '--bind', host, *ports],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **places},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _read(url: str) -> _File | None:
    """Return a file; None if this version of rerun has no such file."""
    try:
        with urllib.request.urlopen(url, timeout=_START_S) as answer:
            return _File(answer.read(), answer.headers.get('Content-Type', 'text/html'))
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return None
