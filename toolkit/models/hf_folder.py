"""A GGUF file unpacked once into a folder that transformers, Unsloth and mlx-lm can load.

The weights are kept as float32: a Q4 block dequantises to values that bfloat16 and float16
round, so only float32 gives the trainer and every student the same numbers as llama.cpp.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from toolkit.errors import ChildError, ModelError, is_full
from toolkit.paths import cache_dir, write_text
from toolkit.process import Child, Emit, child_main

_VERSION = 1  # part of the folder's name: another layout gets another folder
_MEBIBYTE = 1 << 20


def hf_folder(gguf: Path, log: Path | None = None) -> Path:
    """The folder for these weights, made in a child process when it does not stand yet.

    Holds `model.safetensors` (float32), `config.json`, the tokenizer and its chat template.
    Raises ModelError when the file is missing, damaged or of an architecture that
    transformers cannot read, or when the disk is full.
    """
    if not gguf.is_file():
        raise ModelError(f"there is no weights file {gguf}", "schoolhouse models pull NAME")
    folder = cache_dir() / "unpacked" / f"{gguf.stem}-{gguf_fingerprint(gguf)}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):  # a second process waits, and finds it done
        if not folder.is_dir():
            _ask_child(gguf, folder, log)
    return folder


def _ask_child(gguf: Path, folder: Path, log: Path | None) -> None:
    with Child("toolkit.models.hf_folder", log=log) as child:
        child.send({"gguf": str(gguf.resolve()), "folder": str(folder)})
        try:
            for _ in child.messages():
                pass
        except ChildError as error:
            fix = error.fix or "schoolhouse models verify NAME"
            raise ModelError(f"{gguf.name} could not be unpacked: {error.message}", fix) from error


def is_whole_model(folder: Path) -> bool:
    """Whether a trained student's folder holds all of its weights, and not an adapter for the base."""
    return (folder / "model.safetensors").is_file() and (folder / "config.json").is_file()


def gguf_fingerprint(gguf: Path) -> str:
    """16 hex digits of the size, the first and the last MiB; the catalog checks the whole file."""
    size = gguf.stat().st_size
    sha = hashlib.sha256(f"{_VERSION}:{size}:".encode())
    with gguf.open("rb") as stream:
        sha.update(stream.read(_MEBIBYTE))
        stream.seek(max(0, size - _MEBIBYTE))
        sha.update(stream.read(_MEBIBYTE))
    return sha.hexdigest()[:16]


def _unpack(gguf: Path, folder: Path) -> None:
    """Convert into a temporary neighbour, then rename: `folder` is whole or absent."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed here
    temporary.mkdir()
    try:
        _convert(gguf, temporary)
        _sync(temporary)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _convert(gguf: Path, folder: Path) -> None:
    """Save state dict, config and tokenizer by hand: `save_pretrained` refuses GGUF models as quantized."""
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    if not tokenizer.chat_template:
        raise ModelError(f"{gguf.name} has no chat template", "use an instruction-tuned model")
    tokenizer.save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype="float32")
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config: dict[str, Any] = model.config.to_dict()
    config.pop("quantization_config", None)
    config |= {"architectures": [type(model).__name__], "_name_or_path": gguf.stem}
    write_text(folder / "config.json", json.dumps(config, indent=2))
    generation = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id") if key in config}
    write_text(folder / "generation_config.json", json.dumps(generation, indent=2))


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    job = next(messages)
    try:
        _unpack(Path(job["gguf"]), Path(job["folder"]))
    except Exception as error:  # safetensors and tokenizers have exceptions of their own for a full disk
        if is_full(error):
            raise ModelError("the disk is full", "free some space, or set SCHOOLHOUSE_CACHE to another disk") from error
        raise
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
