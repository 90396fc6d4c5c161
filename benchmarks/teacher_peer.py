"""bespoke curator or distilabel as a contestant of `teacher.py`: a process of its own, JSON lines in and out.

Each line names how many messages to ask for, and the number of the first one. Only the library's own call is timed:
its import is not, nor making the list of prompts. Caches are off, and nothing is asked but the server of the benchmark.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOM = 10**9
"""Requests and tokens a minute: no limit of its own."""


def curator() -> Callable[[str, list[str], int], list[str]]:
    """One `curator.LLM` a call, with its `openai` backend and without its viewer."""
    # curator counts tokens with OpenAI's encoding, which tiktoken would fetch; litellm brings a copy
    litellm = find_spec("litellm")
    assert litellm and litellm.origin
    os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers")
    from bespokelabs import curator
    from datasets import Dataset

    class Writer(curator.LLM):  # type: ignore[misc, name-defined]
        def prompt(self, row: dict[str, str]) -> str:
            return row["prompt"]

        def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
            return {"prompt": row["prompt"], "answer": response}

    def ask(url: str, prompts: list[str], at_once: int) -> list[str]:
        limits = {"max_requests_per_minute": ROOM, "max_tokens_per_minute": ROOM, "max_concurrent_requests": at_once}
        writer = Writer(
            model_name="gpt-3.5-turbo",  # it takes only names whose encoding it knows
            backend="openai",
            generation_params={"max_tokens": 512, "temperature": 0.8},
            backend_params={"base_url": url, "max_retries": 0, **limits},
        )
        with tempfile.TemporaryDirectory() as folder:
            found = writer(Dataset.from_dict({"prompt": prompts}), working_dir=folder)
            answers = {row["prompt"]: row["answer"] for row in getattr(found, "dataset", found)}
        return [answers[prompt] for prompt in prompts]

    return ask


def distilabel() -> Callable[[str, list[str], int], list[str]]:
    """One pipeline a call: a list of prompts, and one task that answers them."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    def ask(url: str, prompts: list[str], at_once: int) -> list[str]:
        with tempfile.TemporaryDirectory() as folder, Pipeline("messages", cache_dir=folder) as pipeline:
            # it has as many requests under way as there are rows in a batch
            rows = LoadDataFromDicts(data=[{"instruction": prompt} for prompt in prompts], batch_size=at_once)
            model = OpenAILLM(
                model="any",
                base_url=url,
                api_key="none",
                generation_kwargs={"max_new_tokens": 512, "temperature": 0.8},
            )
            rows >> TextGeneration(llm=model, input_batch_size=at_once)
            found = pipeline.run(use_cache=False)["default"]["train"]
            answers = dict(zip(found["instruction"], found["generation"], strict=True))
        return [answers[prompt] for prompt in prompts]

    return ask


PEERS = {"curator": ("bespokelabs-curator", curator), "distilabel": ("distilabel", distilabel)}
QUIET = {
    "TELEMETRY_ENABLED": "false",
    "CURATOR_VIEWER": "false",
    "CURATOR_DISABLE_CACHE": "true",
    "CURATOR_DISABLE_RICH_DISPLAY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "OPENAI_API_KEY": "none",
}


def main() -> None:
    answers_to = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what the libraries print must not stand among the answers
    os.environ.update(QUIET)
    package, opener = PEERS[sys.argv[1]]
    ask = opener()
    for line in sys.stdin:
        asked = json.loads(line)
        prompts = [f"Write message {number}." for number in range(asked["first"], asked["first"] + asked["count"])]
        begun = time.perf_counter()
        answers = ask(asked["url"], prompts, asked["at once"])
        seconds = time.perf_counter() - begun
        right = [answer == f"Message {prompt.split()[-1]}" for prompt, answer in zip(prompts, answers, strict=True)]
        found = {"seconds": seconds, "right": sum(right), "version": f"{package} {version(package)}"}
        print(json.dumps(found), file=answers_to)


if __name__ == "__main__":
    main()
