"""The Modelfile, and a server that behaves as Ollama's API documentation says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from toolkit.errors import ExportError
from toolkit.export.ollama import OllamaModel, create, ollama_model, server

TURNS = ["<s>", "<u>", "<su>", "<a>", "<nu>", "<a>"]
CONTENT = b"GGUF weights"
SHA = hashlib.sha256(CONTENT).hexdigest()


def model(system: str = 'Say "one" label.\nNo more') -> OllamaModel:
    return ollama_model("tiny", "m.gguf", TURNS, system, ["<|im_end|>", "</s>"], context=2048, max_tokens=8)


class Ollama(BaseHTTPRequestHandler):
    """Keeps blobs that have the hash they claim, and makes models from blobs that it has."""

    blobs: dict[str, bytes]
    models: dict[str, Any]
    broken = False

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._reply(200 if self.path.rpartition("/")[2] in self.blobs else 404)

    def do_GET(self) -> None:
        self._reply(200, b'{"version":"0.13.0"}')

    def do_POST(self) -> None:
        body = self._body()
        if self.path.startswith("/api/blobs/"):
            digest = self.path.rpartition("/")[2]
            right = digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
            self.blobs[digest] = body
            return self._reply(201 if right else 400)
        wanted = json.loads(body)
        lines = [{"status": "parsing GGUF"}, {"status": "success"}]
        if self.broken or not set(wanted["files"].values()) <= self.blobs.keys():
            lines = [{"status": "parsing GGUF"}, {"error": "invalid file magic"}]
        else:
            self.models[wanted["model"]] = wanted
        return self._reply(200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"]))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _reply(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Ollama]]:
    handler = type("Handler", (Ollama,), {"blobs": {}, "models": {}})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{running.server_port}")
    yield handler
    running.shutdown()
    running.server_close()


def test_the_modelfile_says_everything(tmp_path: Path) -> None:
    lines = model().modelfile().splitlines()
    assert lines[0] == "FROM ./m.gguf"
    assert lines[1] == 'TEMPLATE """{{- range $i, $m := .Messages }}'
    assert 'SYSTEM """Say "one" label.' in lines
    assert 'No more"""' in lines
    assert 'PARAMETER stop "<|im_end|>"' in lines
    assert 'PARAMETER stop "</s>"' in lines
    assert {"PARAMETER temperature 0", "PARAMETER repeat_penalty 1.0", "PARAMETER num_predict 8"} <= set(lines)


@pytest.mark.parametrize("system", ['so """ it ends', 'the last is a "quote"'])
def test_a_system_prompt_that_would_end_its_quotes_is_refused(system: str) -> None:
    with pytest.raises(ExportError, match="cannot hold this system prompt"):
        model(system).modelfile()


def test_the_model_is_made_in_a_server_that_is_up(tmp_path: Path, ollama: type[Ollama]) -> None:
    (tmp_path / "m.gguf").write_bytes(CONTENT)
    url = server()
    assert url
    create(url, model(), tmp_path, SHA)
    assert ollama.blobs == {f"sha256:{SHA}": CONTENT}
    made = ollama.models["tiny"]
    assert made["files"] == {"m.gguf": f"sha256:{SHA}"}
    assert made["parameters"]["stop"] == ["<|im_end|>", "</s>"]
    assert made["template"] == model().template
    (tmp_path / "m.gguf").unlink()
    create(url, model(), tmp_path, SHA)  # what the server has is not sent again


def test_an_error_among_the_lines_is_an_error(tmp_path: Path, ollama: type[Ollama]) -> None:
    ollama.broken = True
    (tmp_path / "m.gguf").write_bytes(CONTENT)
    with pytest.raises(ExportError, match="Ollama refused the model: invalid file magic"):
        create(str(server()), model(), tmp_path, SHA)


def test_without_a_server_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    assert server() is None
