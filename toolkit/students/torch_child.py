"""Greedy answers with transformers: the shared beginning of all prompts is computed once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from toolkit.errors import ModelError
from toolkit.models.choices import Choices
from toolkit.models.torch_model import (
    common_prefix,
    end_ids,
    import_torch,
    load_model,
    load_tokenizer,
    peak_bytes,
    prompt_ids,
    token_ids,
    workers,
)
from toolkit.process import Emit, child_main
from toolkit.students.joined_rows import JoinedRows
from toolkit.students.prefix_attention import PrefixAttention
from toolkit.types import Message

Grown = Callable[[int, str], None]
"""Told a prompt's index and its answer so far."""

BATCH = 32
TOKENS_IN_BATCH = 4096  # scores and activations grow with it


class TorchStudent:
    """A loaded model, with the adapter merged into its weights."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self.torch = import_torch()
        folder = Path(setup["model"])
        self.tokenizer = load_tokenizer(folder)
        # merged in float32, so that the sum of weights and adapter is rounded once
        model = load_model(folder, "float32" if setup["adapter"] else setup["dtype"])
        if setup["adapter"]:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, setup["adapter"]).merge_and_unload()
        self.model = model.to(getattr(self.torch, setup["dtype"])).eval()
        self.plain, self._plainly = False, self.model.config._attn_implementation
        self.attention = PrefixAttention(self.torch)
        self.attention.install(self.model)
        self._shared: list[int] = []
        """The tokens that `attention.prefix` was computed from."""
        self.ends = end_ids(self.tokenizer, self.model)
        self.workers = workers() if self.model.device.type == "cpu" else 1
        self.pool = ThreadPoolExecutor(self.workers)

    def answer(
        self,
        prompts: Sequence[Sequence[Message]],
        most: int,
        choices: Sequence[str] = (),
        grown: Grown | None = None,
    ) -> Iterator[tuple[int, str]]:
        """Index and text of each prompt, shorter prompts first; `grown` is told of answers that go on."""
        closed = Choices([token_ids(self.tokenizer, choice) for choice in choices], self.ends) if choices else None
        most = closed.longest + 1 if closed else most
        rows = [prompt_ids(self.tokenizer, prompt) for prompt in prompts]
        self._check(rows, most)
        self._choose_attention(max(len(row) for row in rows) + most)
        shared = common_prefix(rows) if len(rows) > 1 and not self.plain else 0
        self._share(rows[0][:shared])

        def finished(batch: list[int]) -> list[tuple[int, str]]:
            own = [rows[index][shared:] for index in batch]

            def told(place: int, ids: list[int]) -> None:
                if grown:
                    grown(batch[place], self._text(ids).rstrip("\ufffd"))  # the rest of a character is on its way

            with self.torch.inference_mode():  # holds for this thread alone
                return [
                    (batch[place], self._text(ids)) for place, ids in self._generate(own, shared, most, closed, told)
                ]

        for answers in self.pool.map(finished, _by_length(rows, shared, self.workers)):
            yield from answers

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True).strip())

    def _check(self, rows: Sequence[list[int]], most: int) -> None:
        longest = max(len(row) for row in rows)
        context = getattr(self.model.config, "max_position_embeddings", None) or longest + most
        if longest + most > context:
            raise ModelError(
                f"a prompt of {longest} tokens and an answer of {most} do not fit into the student's {context}",
                "shorten the prompt, or lower student.max_new_tokens",
            )

    def _choose_attention(self, longest: int) -> None:
        """Soft caps, and windows that prompt and answer do not fit into, are left to the model's own attention."""
        config = self.model.config
        window = getattr(config, "sliding_window", None) or longest
        self.plain = longest > window or getattr(config, "attn_logit_softcapping", None) is not None
        if self.plain:
            config._attn_implementation = self._plainly
        else:
            self.attention.install(self.model)

    def _share(self, prefix: list[int]) -> None:
        """Compute what all prompts begin with, unless those before began so too; it is attended to from now on."""
        if prefix == self._shared:
            return
        self._shared, self.attention.prefix = [], []
        if not prefix:
            return
        cache = self._cache()
        with self.torch.inference_mode():
            whole = self.torch.ones(1, len(prefix), dtype=self.torch.bool, device=self.model.device)
            self._forward([prefix], whole, 0, cache)
        self.attention.prefix = [(layer.keys[0], layer.values[0]) for layer in cache.layers]
        self._shared = prefix

    def _generate(
        self,
        rows: list[list[int]],
        shared: int,
        most: int,
        closed: Choices | None = None,
        told: Callable[[int, list[int]], None] = lambda place, ids: None,
    ) -> Iterator[tuple[int, list[int]]]:
        """Place in `rows` and answer ids of each row, when the row is finished. The cache is padded on the left.

        `told` gets the same of rows that go on, after each of their tokens.
        """
        torch = self.torch
        joined = JoinedRows(torch, [len(row) for row in rows], self.model.device)
        padding, longest = joined.padding, joined.longest
        answers: list[list[int]] = [[] for _ in rows]
        places, cache = list(range(len(rows))), self._cache()
        logits = self._begin(rows, joined, shared, cache)
        for length in range(longest + 1, longest + most + 1):
            chosen = _choose(logits, [answers[place] for place in places], closed)
            going = [i for i, token in enumerate(chosen) if token not in self.ends]
            for i in going:
                answers[places[i]].append(chosen[i])
                told(places[i], answers[places[i]])
            if closed:
                going = [i for i in going if not _complete(answers[places[i]], closed)]
            if length == longest + most:
                going = []
            ended = set(range(len(places))).difference(going)
            yield from ((places[i], answers[places[i]]) for i in sorted(ended))
            if not going:
                return
            if ended:  # finished rows leave the batch
                keep = torch.tensor(going, device=self.model.device)
                cache.batch_select_indices(keep)
                padding, places = padding[keep], [places[i] for i in going]
            seen = torch.arange(length, device=self.model.device) >= padding[:, None]
            logits = self._forward([[chosen[i]] for i in going], seen, shared + length - 1 - padding, cache)

    def _begin(self, rows: list[list[int]], joined: JoinedRows, shared: int, cache: Any) -> Any:
        """Logits after the last token of each row, whose first one stands at `shared`."""
        torch = self.torch
        if self.plain:
            padded = [[0] * (joined.longest - len(row)) + row for row in rows]
            return self._forward(padded, joined.seen, shared - joined.padding, cache)
        positions = [shared + place for row in rows for place in range(len(row))]
        with self.attention.of(joined):
            output = self.model(
                input_ids=torch.tensor([[token for row in rows for token in row]], device=self.model.device),
                attention_mask=self._causal(joined.longest, joined.seen),
                position_ids=torch.tensor([positions], device=self.model.device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=joined.ends - 1,
            )
        for layer in cache.layers:
            layer.keys, layer.values = joined.apart(layer.keys), joined.apart(layer.values)
        return output.logits[0]

    def _forward(self, rows: list[list[int]], seen: Any, begin: Any, cache: Any) -> Any:
        """Logits after the last token of each row.

        Args:
            seen: rows x tokens of the cache and of `rows`; False where a row is padded.
            begin: the position of a row's first token.
        """
        torch = self.torch
        ids = torch.tensor(rows, device=self.model.device)
        start = torch.as_tensor(begin, device=self.model.device).reshape(-1, 1)
        positions = (start + torch.arange(ids.shape[1], device=self.model.device)).clamp(min=0)
        output = self.model(
            input_ids=ids,
            attention_mask=seen if self.plain else self._causal(ids.shape[1], seen),
            position_ids=positions.expand(len(rows), -1),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1]

    def _causal(self, tokens: int, seen: Any) -> Any:
        """Rows x 1 x tokens x all tokens: the last `tokens` look at themselves and at what was seen before."""
        length = seen.shape[1]
        ones = self.torch.ones(tokens, length, dtype=self.torch.bool, device=self.model.device)
        return ones.tril(length - tokens) & seen[:, None, None]

    def _cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)


def _choose(logits: Any, begun: list[list[int]], closed: Choices | None) -> list[int]:
    """The likeliest next token of each row, among those that its answer may go on with."""
    if closed is None:
        return [int(token) for token in logits.argmax(-1)]
    allowed = [closed.allowed(answer) for answer in begun]
    return [tokens[int(row[tokens].argmax())] for row, tokens in zip(logits, allowed, strict=True)]


def _complete(answer: list[int], closed: Choices) -> bool:
    """Whether only one answer is left; the rest of it is then added, for no further pass."""
    if whole := closed.only(answer):
        answer[:] = whole
    return whole is not None


def _by_length(rows: Sequence[list[int]], shared: int, workers: int) -> Iterator[list[int]]:
    """Indices of the rows in batches of like length, `workers` of which after another hold about as many tokens."""
    dealt: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: len(rows[index])):
        size = len(dealt) // workers + 1
        if size > BATCH or (dealt and (len(rows[index]) - shared) * size > TOKENS_IN_BATCH):
            yield from _deal(dealt, workers)
            dealt = []
        dealt.append(index)
    yield from _deal(dealt, workers)


def _deal(indices: list[int], workers: int) -> Iterator[list[int]]:
    return (indices[worker::workers] for worker in range(min(workers, len(indices))))


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    begun = time.perf_counter()
    student = TorchStudent(next(messages))
    emit({"event": "loaded", "seconds": round(time.perf_counter() - begun, 2)})
    for question in messages:

        def grown(index: int, text: str, asked: int = question["id"]) -> None:
            emit({"event": "piece", "id": asked, "index": index, "text": text})

        told = grown if question.get("stream") else None
        for index, text in student.answer(question["prompts"], question["max_new_tokens"], question["choices"], told):
            emit({"event": "answer", "id": question["id"], "index": index, "text": text})
        emit({"event": "memory", "peak_bytes": peak_bytes()})
        emit({"event": "end", "id": question["id"]})


if __name__ == "__main__":
    child_main(_serve)
