"""The child that says how a model turns prompts into token ids, and where it stops. No weights are multiplied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from toolkit.errors import ExportError
from toolkit.export.turns import Turns, learn_turns
from toolkit.process import Emit, child_main
from toolkit.types import Message

Found = dict[str, Any]


def inspect_folder(folder: Path, prompts: Sequence[Sequence[Message]], *, as_served: bool) -> Found:
    """Of a folder for transformers: texts, ids, ends, end_token, template and turns.

    `as_served`: with the folder's template alone, as other programs render it; else as students are trained.
    """
    from toolkit.models.torch_model import load_tokenizer, render, token_ids
    from toolkit.training.lint import stop_ids

    tokenizer = load_tokenizer(folder)
    turns: list[Message] = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    ending = token_ids(tokenizer, render(tokenizer, turns, prompt=False).rpartition("b")[2])
    try:
        learnt, untold = learn_turns(lambda messages, prompt: render(tokenizer, messages, prompt=prompt)), ""
    except ExportError as error:
        learnt, untold = Turns("", "", "", "", "", ""), error.message
    texts = [render(tokenizer, prompt, as_served=as_served) for prompt in prompts]
    ends = sorted(stop_ids(tokenizer, folder))
    return {
        "texts": texts,
        "ids": [token_ids(tokenizer, text) for text in texts],
        "ends": ends,
        "end_token": ending[0] if ending else None,
        "end_texts": [str(tokenizer.decode([token])) for token in ends],
        "begin": tokenizer.bos_token_id,
        "turns": list(astuple(learnt)),
        "untold": untold,
    }


def inspect_gguf(path: Path, prompts: Sequence[Sequence[Message]], turns: Sequence[str] | None) -> Found:
    """Of a GGUF file, read as servers read it: with the file's own template, or with the one made for Ollama."""
    from toolkit.models.llama_native import Engine

    engine = Engine(path, cells=64, sequences=1, threads=1)
    try:
        render = Turns(*turns).render if turns else engine.renderer(as_served=True)
        texts = [render(prompt) for prompt in prompts]
        return {
            "texts": texts,
            "ids": [engine.tokenize(text, as_served=True) for text in texts],
            "ends": [token for token in range(engine.vocabulary) if engine.ends(token)],
        }
    finally:
        engine.close()


def _serve(messages: Iterator[Found], emit: Emit) -> None:
    job = next(messages)
    path = Path(job["path"])
    found = (
        inspect_gguf(path, job["prompts"], job.get("turns"))
        if path.suffix == ".gguf"
        else inspect_folder(path, job["prompts"], as_served=job["as_served"])
    )
    emit({"event": "found", **found})
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
