"""The command line inside this process, and a server that behaves as tests ask."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pose_action_ros.cli import main as command_line


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `pose-action`; return exit status, output and errors."""
    for name, value in (('COLUMNS', '240'), ('TERM', 'dumb'), ('NO_COLOR', '1')):
        monkeypatch.setenv(name, value)

    def call(*arguments):
        monkeypatch.setattr('sys.argv', ['pose-action', *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            command_line.main()
        except SystemExit as exit_:
            status = exit_.code or 0
        out, err = capsys.readouterr()
        return status, out, err

    return call


class Server(ThreadingHTTPServer):
    """Serves one file, whatever the path."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.content = b''
        self.ranges = True  # whether it can send a part
        self.status = 200
        self.break_after = None  # bytes, once
        self.asked = []  # path and Range of each request

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get('Range')
        server.asked.append((self.path, wanted))
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(wanted.removeprefix('bytes=').rstrip('-')) if wanted and server.ranges else 0
        if start and start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            last = len(server.content) - 1
            self.send_header('Content-Range', f'bytes {start}-{last}/{len(server.content)}')
        body = server.content[start:]
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if server.break_after is not None:
            body, server.break_after = body[: server.break_after], None
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
