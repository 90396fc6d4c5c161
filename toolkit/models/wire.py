"""One HTTP exchange with a server that may send anything: bounded, and every failure has a kind."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from toolkit.harmless import one_line
from toolkit.models.reading import BadJson, storable
from toolkit.models.retry import Kind, Transient
from toolkit.models.server import Key

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 32 << 20
"""More than this is not read."""

SHOWN = 200
"""Characters of a server's error that are passed on."""

_INVALID = re.compile(r"^\d+ validation errors?\b")
"""How llama-cpp-python's server begins the 500 with which it refuses a question (seen with 0.3.36)."""


class Lines:
    """The open connections of HTTP clients, so that replies nobody waits for any more can be broken off.

    A thread that reads from one of them then has a reset; a server that looks at its connections stops working.
    """

    def __init__(self) -> None:
        self._streams: list[Any] = []
        self._lock = threading.Lock()

    def attend(self, request: httpx.Request) -> None:
        """Notice the connection that a request opens; a hook for clients (python-httpx.org/advanced/event-hooks)."""
        request.extensions["trace"] = self._opened

    def break_off(self) -> None:
        """Shut all of them; the next request opens a new one."""
        with self._lock:
            open_ones, self._streams = self._streams, []
        for stream in open_ones:
            with suppress(OSError):  # closed already
                # not SSLSocket's own, which takes its state away from the thread that reads
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def _opened(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                still = [one for one in self._streams if one.get_extra_info("socket").fileno() >= 0]
                self._streams = [*still, info["return_value"]]


class Endpoint:
    """One address that JSON is posted to. Its URL and headers are worked out once, not at each request.

    Args:
        silence: seconds that may pass without a byte; four times as many for the whole reply.
    """

    def __init__(self, client: httpx.Client, path: str, key: Key, silence: float) -> None:
        self._client, self._key, self._silence = client, key, silence
        first = client.build_request("POST", path, json={})
        self._url, self._extensions = first.url, first.extensions
        self._headers = [(name, value) for name, value in first.headers.raw if name.lower() != b"content-length"]

    def post(self, body: Any) -> tuple[int, Any]:
        """Status and decoded JSON of a reply; the status is below 500 and not 408 or 429.

        Raises Transient for everything that may be gone at the next try.
        """
        status, headers, content = self._exchange(json.dumps(body, ensure_ascii=False, allow_nan=False).encode())
        content, key = self._key.hide_bytes(content), self._key
        if status == 500 and _INVALID.search(said(content, key)):
            return 422, said(content, key)
        if status in (408, 429) or status >= 500:
            kind: Kind = "busy" if status in (429, 503) else "unavailable"
            raise Transient(kind, f"{status}: {said(content, key)}", retry_after(headers.get("retry-after", "")))
        if status >= 300:
            return status, said(content, key)
        try:
            return status, json.loads(content, parse_constant=_constant)
        except (ValueError, RecursionError):
            kind_of = headers.get("content-type", "no type").partition(";")[0]
            raise Transient("garbage", f"{status} with {kind_of[:40]}, not JSON") from None

    def _exchange(self, content: bytes) -> tuple[int, httpx.Headers, bytes]:
        import httpx

        deadline = time.monotonic() + 4 * self._silence
        request = httpx.Request(
            "POST", self._url, headers=self._headers, content=content, extensions=dict(self._extensions)
        )
        try:
            with closing(self._client.send(request, stream=True)) as response:
                return response.status_code, response.headers, _body(response, deadline)
        except httpx.ConnectError as error:
            raise Transient("down", self._key.hide(str(error))[:SHOWN]) from None
        except httpx.TimeoutException as error:
            down = isinstance(error, httpx.ConnectTimeout)
            raise Transient("down" if down else "hang", f"nothing for {self._silence:.0f} s") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Transient("reset", self._key.hide(str(error))[:SHOWN]) from None


def _body(response: httpx.Response, deadline: float) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise Transient("garbage", f"more than {MOST_BYTES >> 20} MiB")
        if time.monotonic() > deadline:
            raise Transient("hang", "the reply came too slowly")
        parts.append(part)
    return b"".join(parts)


def said(content: bytes, key: Key) -> str:
    """What a server says is wrong, in one line without control characters and without the key."""
    text = content[:4000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
        inner = found.get("error", found) if isinstance(found, dict) else found
        text = str(inner.get("message", inner) if isinstance(inner, dict) else inner)
    except (ValueError, RecursionError):
        pass
    return key.hide(storable(one_line(text)))[:SHOWN] or "no reason given"


def retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, section 10.2.3)."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _constant(name: str) -> float:
    raise BadJson(f"{name} is not JSON")
