"""A server of files on this machine, with the faults that networks have."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves files over HTTP.

    Args:
        files: their bytes by name.
        ranges: whether parts can be asked for.
        breaks_after: bytes after which each of the next answers breaks off.

    Attributes:
        asked: the name and the Range header of each request.
    """

    def __init__(self, files: dict[str, bytes], ranges: bool, breaks_after: Sequence[int]):
        self.files, self.ranges = files, ranges
        self.breaks_after = list(breaks_after)
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        name, asked = request.path.lstrip("/"), request.headers.get("Range", "")
        self.asked.append((name, asked))
        if name not in self.files:
            request.send_error(404)
            return
        data = self.files[name]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start > len(data):
            request.send_error(416)
            return
        request.send_response(206 if asked and self.ranges else 200)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        end = start + self.breaks_after.pop(0) if self.breaks_after else len(data)
        request.wfile.write(data[start:end])


@contextmanager
def file_server(
    files: dict[str, bytes], ranges: bool = True, breaks_after: Sequence[int] = ()
) -> Iterator[FileServer]:
    """A running server, ended with the block."""
    server = FileServer(files, ranges, breaks_after)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}/"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
