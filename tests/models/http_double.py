"""A real HTTP server on 127.0.0.1 that answers as a test wants, also wrongly."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What goes over the wire: `pieces` are sent one after the other with `pause` seconds between."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    pause: float = 0.0
    wait: float = 0.0
    reset: bool = False
    raw: bytes | None = None

    def content(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.body).encode()


Answer = Callable[[str, str, Any], Reply]
"""(method, path, decoded body) -> reply."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answer: Answer
    seen: list[Mapping[str, str]]

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of these tests."""


class Double:
    """The server itself. `asked` counts requests by path, `bodies` and `headers` keep what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: Counter[str] = Counter()
        self.bodies: list[Any] = []
        self.headers: list[Mapping[str, str]] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._answer = answer
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.answer, self._server.seen = self._count, self.headers
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _count(self, method: str, path: str, body: Any) -> Reply:
        with self._lock:
            self.asked[path] += 1
            self.bodies.append(body)
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            reply = self._answer(method, path, body)
            time.sleep(reply.wait)
            return reply
        finally:
            with self._lock:
                self.at_once -= 1

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Double:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body
    disable_nagle_algorithm = True

    def _reply(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        server = self.server
        assert isinstance(server, _Server)
        server.seen.append({name.lower(): value for name, value in self.headers.items()})
        reply = server.answer(self.command, self.path, body)
        if reply.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        pieces = reply.pieces or (reply.content(),)
        self.send_response(reply.status)
        headers = {"content-type": "application/json", "content-length": str(sum(map(len, pieces)))}
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(reply.pause)

    do_GET = do_POST = do_DELETE = _reply

    def log_message(self, *_: object) -> None:
        """Quiet."""
