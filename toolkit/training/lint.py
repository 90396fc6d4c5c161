"""Mask lint: what is trained and what is only read, and the mistakes that a falling loss hides.

A trainer hands over the token ids that it is about to train on; they are held against the
prompt that the student's own chat template renders for inference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from toolkit.errors import ChildError, TrainingError
from toolkit.models.torch_model import UNTHINKING, end_ids
from toolkit.process import Child
from toolkit.training.encode import Encoded
from toolkit.types import Json

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason not to train. `rule` is one of template, prompt, masked, end, cut, rows."""

    rule: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class LintedRow:
    """A row in pieces, one for each token: its text, and whether it is trained on."""

    number: int
    pieces: tuple[tuple[str, bool], ...]

    @property
    def parts(self) -> tuple[tuple[str, bool], ...]:
        """The pieces, neighbours of one kind as one."""
        kinds = groupby(self.pieces, key=lambda piece: piece[1])
        return tuple(("".join(text for text, _ in pieces), trained) for trained, pieces in kinds)


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found in `rows` rows. Counts are of tokens; `end` is the text of the token that ends answers."""

    rows: int
    tokens: int
    trained: int
    longest: int
    end: str
    findings: tuple[Finding, ...] = ()
    shown: tuple[LintedRow, ...] = ()

    @property
    def summary(self) -> str:
        """The counts in a line."""
        share = self.trained / self.tokens if self.tokens else 0
        trained = f"{self.trained} of them trained ({100 * share:.0f} %)"
        counts = f"{self.rows} rows, {self.tokens} tokens, {trained}"
        return f"{counts}; the longest row has {self.longest}; answers end with {self.end}"

    def figures(self) -> dict[str, Json]:
        """For the journal: everything but the rows' text."""
        return {**asdict(self), "shown": None, "findings": [asdict(found) for found in self.findings]}

    def require(self) -> None:
        """Raises TrainingError with the first finding."""
        if self.findings:
            first, *others = self.findings
            more = f" (and {len(others)} more: schoolhouse lint RECIPE)" if others else ""
            raise TrainingError(f"mask lint: {first.message}{more}", first.fix)


def lint(
    tokenizer: Any,
    rows: Sequence[Mapping[str, Any]],
    encoded: Sequence[Encoded],
    ends: set[int],
    settings: Mapping[str, Any],
    show: int = SHOWN,
) -> LintReport:
    """Hold what is trained against what is asked.

    Args:
        rows: `messages` and `answer` of each row.
        encoded: the same rows, as they are trained on.
        ends: the tokens at which the student stops.
        settings: `max_length` and `batch_size` of the training.
    """
    last = [row.ids[-1] for row in encoded if row.ids]
    found = [
        *_prompt(tokenizer, rows, encoded),
        *_masked(encoded),
        *_end(tokenizer, encoded, ends),
        *_cut(encoded, rows, int(settings["max_length"])),
        *_few(len(encoded), int(settings["batch_size"])),
    ]
    return LintReport(
        rows=len(encoded),
        tokens=sum(len(row.ids) for row in encoded),
        trained=sum(max(0, len(row.ids) - row.start) for row in encoded),
        longest=max((len(row.ids) for row in encoded), default=0),
        end=str(tokenizer.decode([max(set(last), key=last.count)])) if last else "",
        findings=tuple(found),
        shown=tuple(_shown(tokenizer, row, number) for number, row in enumerate(encoded[:show], 1)),
    )


def stop_ids(tokenizer: Any, folder: Path) -> set[int]:
    """The tokens at which a student of these weights stops, read without loading the weights."""
    from transformers import GenerationConfig

    return end_ids(tokenizer, SimpleNamespace(generation_config=GenerationConfig.from_pretrained(folder)))


def asked_ids(tokenizer: Any, messages: Sequence[Any]) -> list[int]:
    """The prompt as transformers itself turns it into ids: another way than the trainers'."""
    found = tokenizer.apply_chat_template(
        list(messages), add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors=None, **UNTHINKING
    )
    return [int(token) for token in found["input_ids"]]


def _prompt(tokenizer: Any, rows: Sequence[Mapping[str, Any]], encoded: Sequence[Encoded]) -> Iterator[Finding]:
    """The prompt that is trained must be the one that is asked, token for token."""
    for number, (row, trained) in enumerate(zip(rows, encoded, strict=True), 1):
        asked, learnt = asked_ids(tokenizer, row["messages"]), trained.ids[: trained.start]
        if asked == learnt:
            continue
        place = next((i for i, pair in enumerate(zip(asked, learnt, strict=False)) if pair[0] != pair[1]), None)
        at = min(len(asked), len(learnt)) if place is None else place
        is_asked, is_trained = (tokenizer.decode(ids[at : at + 8]) for ids in (asked, learnt))
        yield Finding(
            "prompt",
            f"row {number}: the training prompt differs from the inference prompt at token {at + 1}:"
            f" trained {is_trained!r}, asked {is_asked!r} ({len(learnt)} and {len(asked)} tokens)",
            "train on what the chat template renders, or choose another student model",
        )
        return


def _masked(encoded: Sequence[Encoded]) -> Iterator[Finding]:
    masked = [number for number, row in enumerate(encoded, 1) if row.start >= len(row.ids)]
    if masked:
        which = "all labels are masked" if len(masked) == len(encoded) else f"all labels of row {masked[0]} are masked"
        message = f"{which}: nothing would be learnt from {len(masked)} of {len(encoded)} rows"
        yield Finding("masked", message, "give every row an answer")


def _end(tokenizer: Any, encoded: Sequence[Encoded], ends: set[int]) -> Iterator[Finding]:
    """An answer whose end is not trained never stops, and the loss does not show it."""
    learning = [row for row in encoded if row.start < len(row.ids)]
    endless = [row for row in learning if row.ids[-1] not in ends]
    if not endless:
        return
    never = "never" if len(endless) == len(learning) else f"not trained in {len(endless)} of {len(learning)} rows:"
    trained = "trained: " if never == "never" else ""
    stops = ", ".join(repr(tokenizer.decode([token])) for token in sorted(ends))
    yield Finding(
        "end",
        f"the end token is {never} {trained}rows end with {tokenizer.decode(endless[0].ids[-1:])!r},"
        f" the student stops at {stops}",
        "choose a student whose chat template ends an answer with its end token",
    )


def _cut(encoded: Sequence[Encoded], rows: Sequence[Mapping[str, Any]], most: int) -> Iterator[Finding]:
    long = [number for number, row in enumerate(encoded, 1) if len(row.ids) > most]
    if long:
        longest = max(len(encoded[number - 1].ids) for number in long)
        begins = str(rows[long[0] - 1]["messages"][-1]["content"])[:60]
        yield Finding(
            "cut",
            f"{len(long)} of {len(encoded)} rows would be cut off at {most} tokens;"
            f" the first is row {long[0]}: {begins!r}",
            f"write `train.max_length: {longest}`, or leave these rows out",
        )


def _few(rows: int, batch_size: int) -> Iterator[Finding]:
    if rows < batch_size:
        fix = f"write `train.batch_size: {rows}`, or have more rows written" if rows else "raise budget.rows"
        yield Finding("rows", f"there are {rows} rows, fewer than a batch of {batch_size}", fix)


def _shown(tokenizer: Any, row: Encoded, number: int) -> LintedRow:
    texts = (str(tokenizer.decode([token])) for token in row.ids)
    return LintedRow(number, tuple((text, place >= row.start) for place, text in enumerate(texts)))


# -- from another process -----------------------------------------------------------------------


def lint_in_child(folder: Path, rows: Iterable[Json], settings: Mapping[str, Json], show: int = SHOWN) -> LintReport:
    """The report on rows as the torch trainer would train on them; the tokenizer is loaded in a child.

    Args:
        folder: the student's weights, unpacked (`hf_folder`).

    Raises TrainingError when the child cannot do it.
    """
    wanted = {key: settings[key] for key in ("max_length", "batch_size")}
    with Child("toolkit.training.lint_child") as child:
        child.send({"model": str(folder), "rows": list(rows), "settings": wanted, "show": show})
        try:
            return next(_report(message) for message in child.messages() if message["event"] == "report")
        except ChildError as error:
            raise TrainingError(error.message, error.fix) from error


def _report(message: dict[str, Any]) -> LintReport:
    fields = {key: message[key] for key in ("rows", "tokens", "trained", "longest", "end")}
    shown = tuple(
        LintedRow(row["number"], tuple((str(text), bool(trained)) for text, trained in row["pieces"]))
        for row in message["shown"]
    )
    return LintReport(**fields, findings=tuple(Finding(**found) for found in message["findings"]), shown=shown)
