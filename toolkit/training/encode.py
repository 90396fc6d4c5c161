"""From examples to token ids: the prompt as it will be asked, then the answer and its end token."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.errors import TrainingError
from toolkit.models.torch_model import prompt_ids, render, token_ids

_BUCKET = 8  # batches whose rows are sorted by length together


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a row; those from `start` on are learnt."""

    ids: list[int]
    start: int


def encode(tokenizer: Any, rows: Sequence[dict[str, Any]], max_length: int) -> list[Encoded]:
    """Raises TrainingError for a row that is too long or that the chat template does not keep as it is."""
    encoded = [encode_row(tokenizer, row, number) for number, row in enumerate(rows, 1)]
    for number, row in enumerate(encoded, 1):
        if len(row.ids) > max_length:
            raise TrainingError(
                f"row {number} has {len(row.ids)} tokens, more than train.max_length ({max_length}):"
                f" {rows[number - 1]['messages'][-1]['content'][:60]!r}",
                f"write `train.max_length: {len(row.ids)}`, or leave the row out",
            )
    return encoded


def encode_row(tokenizer: Any, row: dict[str, Any], number: int) -> Encoded:
    """One row, of any length. Raises TrainingError when the chat template does not keep it as it is."""
    messages, answer = row["messages"], row["answer"]
    prompt = render(tokenizer, messages)
    whole = render(tokenizer, [*messages, {"role": "assistant", "content": answer}], prompt=False)
    ending = whole.removeprefix(prompt + answer)
    tail = token_ids(tokenizer, ending)
    if not whole.startswith(prompt + answer) or not tail or tail[0] not in tokenizer.all_special_ids:
        raise TrainingError(
            f"row {number}: the model's chat template changes the answer or its beginning, so what is trained"
            f" would differ from what is asked: {whole[-120:]!r}",
            "leave white space around answers out, or choose another student model",
        )
    asked = prompt_ids(tokenizer, messages)
    return Encoded([*asked, *token_ids(tokenizer, answer), tail[0]], len(asked))


def batches(rows: Sequence[Encoded], batch_size: int, epochs: int, seed: int) -> Iterator[list[Encoded]]:
    """All batches of all epochs. Rows of like length stand together; the order depends on the seed alone."""
    for epoch in range(epochs):
        order = list(range(len(rows)))
        chance = random.Random(f"{seed}/{epoch}")
        chance.shuffle(order)
        found: list[list[int]] = []
        for begin in range(0, len(order), batch_size * _BUCKET):
            bucket = sorted(order[begin : begin + batch_size * _BUCKET], key=lambda index: len(rows[index].ids))
            found += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
        chance.shuffle(found)
        yield from ([rows[index] for index in batch] for batch in found)
