"""The server of `teacher.py`: a process of its own that speaks enough of HTTP/1.1 and of the OpenAI protocol.

Each answer names the number in its question, so that answers which were mixed up are seen. `GET /count` says how many
questions were answered and how many refused since it was asked last.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

NUMBER = re.compile(rb"Write message (\d+)")
START = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"any","choices":[{"index":0,"message":{"role":"assistant"'
    b',"content":"Message '
)
END = b'."},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23}}'
BUSY = b'{"error":{"message":"busy"}}'


class Server:
    """Takes `delay` seconds for an answer, and refuses a share of the questions with 429."""

    def __init__(self, delay: float, refused: float) -> None:
        self.delay, self.share = delay, refused
        self.answered = self.refused = 0
        self.chance = random.Random()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which the client keeps open."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                status, body = await self.reply(head, await reader.readexactly(length))
                size = str(len(body)).encode()
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-type: application/json\r\ncontent-length: " + size)
                writer.write(b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def reply(self, head: bytes, content: bytes) -> tuple[bytes, bytes]:
        """Status line and body."""
        if head.startswith(b"GET"):
            counted = {"answered": self.answered, "refused": self.refused}
            self.answered = self.refused = 0
            return b"200 OK", json.dumps(counted).encode()
        if self.chance.random() < self.share:
            self.refused += 1
            return b"429 Too Many Requests\r\nretry-after: 0.05", BUSY
        if self.delay:
            await asyncio.sleep(self.delay)
        self.answered += 1
        found = NUMBER.search(content)
        return b"200 OK", START + (found[1] if found else b"none") + END


async def serve(delay: float, refused: float) -> None:
    server = await asyncio.start_server(Server(delay, refused).connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def server(delay: float = 0.0, refused: float = 0.0) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, __file__, str(delay), str(refused)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()


def counted(url: str) -> dict[str, int]:
    """How many questions the server answered and refused since it was asked last."""
    found: dict[str, int] = httpx.get(f"{url}/count", trust_env=False).json()
    return found


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), float(sys.argv[2])))
