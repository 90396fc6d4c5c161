"""Greedy answers with llama.cpp; the chat model that also runs teachers does the work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit.models.llama_cpp import LlamaCppModel
from toolkit.models.torch_model import peak_bytes
from toolkit.process import Emit, child_main
from toolkit.types import Request


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    begun = time.perf_counter()
    setup = next(messages)
    lora = Path(setup["lora"]) if setup["lora"] else None
    model = LlamaCppModel(Path(setup["model"]), context=setup["context"], adapter=lora, key="train.max_length")
    emit({"event": "loaded", "seconds": round(time.perf_counter() - begun, 2)})
    for question in messages:
        most = question["max_new_tokens"]
        requests = [Request(tuple(prompt), temperature=0.0, max_tokens=most) for prompt in question["prompts"]]
        model.forget()  # the same questions get the same answers
        places = {id(request): index for index, request in enumerate(requests)}

        def grown(request: Request, text: str, asked: Any = question["id"]) -> None:
            emit({"event": "piece", "id": asked, "index": 0, "text": text.strip()})

        told = grown if question.get("stream") else None  # a stream has one prompt
        for request, reply in model.complete(requests, question["choices"], told):
            if reply.finish_reason == "context":
                raise model.refusal(request, reply.prompt_tokens)
            text = reply.text.strip()
            emit({"event": "answer", "id": question["id"], "index": places[id(request)], "text": text})
        emit({"event": "memory", "peak_bytes": peak_bytes()})
        emit({"event": "end", "id": question["id"]})


if __name__ == "__main__":
    child_main(_serve)
