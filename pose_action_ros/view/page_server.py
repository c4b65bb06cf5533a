"""Serves rerun's page with a policy that keeps the browser from contacting other machines.

rerun's page loads a font, asks for new releases and sends usage data to rerun's makers. No option
of rerun's server turns that off. This server passes rerun's files on and adds a
Content-Security-Policy, so the browser refuses every request to another machine.
"""

from __future__ import annotations

import shutil
import threading
import urllib.error
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ['serve_page']

_TIMEOUT_S = 30.0
_SOURCES = "'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob: data:"


def serve_page(host: str, port: int, page_port: int) -> None:
    """Serve rerun's page on another port, until the process ends.

    Args:
        host: Address of this machine, for both servers.
        port: Port of the served page.
        page_port: Port of rerun's own server.

    Raises:
        OSError: The port is in use.
    """
    source = f'http://{host}:{page_port}'
    policy = f'default-src {_SOURCES}; connect-src {_SOURCES} http://{host}:*'

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_GET(self) -> None:
            """Send rerun's answer with the policy."""
            try:
                with urllib.request.urlopen(source + self.path, timeout=_TIMEOUT_S) as answer:
                    self.send_response(answer.status)
                    for name in ('Content-Type', 'Content-Length'):
                        if name in answer.headers:
                            self.send_header(name, answer.headers[name])
                    self.send_header('Content-Security-Policy', policy)
                    self.end_headers()
                    shutil.copyfileobj(answer, self.wfile)
            except urllib.error.HTTPError as error:
                self.send_error(error.code)
            except urllib.error.URLError:
                self.send_error(HTTPStatus.BAD_GATEWAY)
            except ConnectionError:  # the browser has closed the page
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
