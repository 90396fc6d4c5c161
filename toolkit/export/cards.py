"""The cards that go with an export: what it is, how good it is, what it came from, what may be done with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from toolkit.data.diversity import DISTANCE, diversity_card
from toolkit.export.parity import Parity
from toolkit.export.trained import Trained, licence_of
from toolkit.harmless import one_line
from toolkit.journal import GIVEN
from toolkit.types import Json, Row

LICENCE_NOTE = (
    "The synthetic rows were written by the teacher model: its licence, and the terms of whoever serves it, may say"
    " what may be done with them and with students trained on them. Nobody checked that for you."
)


def front_matter(values: Mapping[str, Json]) -> str:
    """YAML between dashes; JSON values are YAML."""
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])


def model_card(trained: Trained, parity: Parity | None, *, usage: Sequence[str], forced: bool) -> str:
    """README.md of an exported student."""
    licence = licence_of(trained.recipe.file.student.model)
    tags = ["schoolhouse", *(["lora"] if trained.recipe.file.train.method != "full" else [])]
    matter = front_matter({"license": licence.lower(), "tags": tags, "language": ["en"]})
    return matter + "\n".join(_model_lines(trained, parity, usage, forced=forced)) + "\n"


def _model_lines(trained: Trained, parity: Parity | None, usage: Sequence[str], *, forced: bool) -> Iterator[str]:
    file = trained.recipe.file
    yield f"# {trained.name}"
    if forced and parity and not parity.passed:
        yield from ("", f"**This export did not pass its check and was written with `--force`: {parity.sentence()}**")
    yield from ("", _inline(file.task.about), "", "## Use", "", *usage)
    yield from ("", "## Prompt", "", *_prompt(file.task.system))
    yield from ("", "## Scores", "", *_scores(trained))
    if parity:
        yield from (
            "",
            "## Is it the trained student?",
            "",
            f"{'Yes' if parity.passed else 'No'}: {parity.sentence()}.",
        )
        yield from _unlike(parity)
    yield from ("", "## Where it comes from", "", *_origin(trained))
    yield from ("", "## Licence", "", *_licences(trained))


def _prompt(system: str) -> Iterator[str]:
    if not system:
        yield "The student was trained without a system message."
        return
    yield from ("The student knows one system message, and was trained on no other:", "", *_fenced(system))


def _scores(trained: Trained) -> Iterator[str]:
    if not trained.scores:
        yield "None were measured."
        return
    yield from (f"- {split}: {score}" for split, score in trained.scores.items())
    if trained.verdict or not trained.later_verdicts:
        yield from ("", trained.verdict or "There is no verdict: the student of this round has not sat the exam.")
    for later in trained.later_verdicts:
        yield from ("", f"Later, for “{_inline(later['reason'])}”: {later['sentence']}")
    if trained.recipe.file.task.answer == "label":
        yield from ("", "In the school a student can be held to the labels; other programs let it write freely.")


def _unlike(parity: Parity) -> Iterator[str]:
    if parity.examples:
        yield from ("", "Answers that differ, trained and exported:", "")
        yield from (f"- {_inline(ours)} | {_inline(theirs)}" for ours, theirs in parity.examples)


def _origin(trained: Trained) -> Iterator[str]:
    file = trained.recipe.file
    yield f"- recipe: {file.name}, run {trained.run}, round {trained.round}"
    yield f"- base weights: {_inline(file.student.model)}"
    yield f"- trained on {len(trained.rows) - trained.given} rows written by {_inline(file.teacher.model)}"
    if trained.given:
        yield f"- and on {trained.given} of the recipe's own examples, which a person wrote"
    train = file.train
    if train.replay:
        yield f"- and on {train.replay:g} general rows for each of them, against forgetting; they are Schoolhouse's own"
    learnt = "all weights" if train.method == "full" else f"LoRA r={train.lora_r}, alpha={train.lora_alpha}"
    yield f"- {learnt}, learning rate {train.lr:g}, {train.epochs} epochs, batch {train.batch_size}, seed {train.seed}"


def _licences(trained: Trained) -> Iterator[str]:
    file = trained.recipe.file
    yield f"- base weights {_inline(file.student.model)}: {licence_of(file.student.model)}"
    yield f"- teacher {_inline(file.teacher.model)}: {licence_of(file.teacher.model)}"
    yield from ("", LICENCE_NOTE)


def dataset_card(trained: Trained) -> str:
    """README.md of an exported dataset; its first lines tell `datasets` where the rows are."""
    matter = front_matter(
        {
            "pretty_name": f"{trained.recipe.file.name}: rows of round {trained.round}",
            "license": "other",
            "license_name": "see-below",
            "size_categories": [_size(len(trained.rows))],
            "tags": ["synthetic", "schoolhouse"],
            "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train.jsonl"}]}],
        }
    )
    return matter + "\n".join(_dataset_lines(trained)) + "\n"


def _dataset_lines(trained: Trained) -> Iterator[str]:
    file = trained.recipe.file
    title = f"# {file.name}: {len(trained.rows) - trained.given} synthetic rows"
    yield from (title + (f" and {trained.given} examples" if trained.given else ""), "", _inline(file.task.about))
    yield from ("", "```python", "from datasets import load_dataset", 'load_dataset("PATH OF THIS FOLDER")', "```")
    yield from ("", "## Columns", "", *(f"- `{name}`: {what}" for name, what in COLUMNS.items()))
    yield from ("", "## How the rows were made", "")
    yield f"- recipe `{file.name}` (in `recipe.yaml`), run {trained.run}, the rows of round {trained.round}'s lesson"
    yield f"- teacher {_inline(file.teacher.model)}, temperature {file.teacher.temperature:g}, seed {file.teacher.seed}"
    if trained.given:
        yield f"- {trained.given} of them are the recipe's own examples, which a person wrote (`attempt` is {GIVEN})"
    yield "- provenance: every row keeps the hashes of the teacher's replies that it came from (`calls`)"
    yield from ("", "## Filters", "", *_filters(trained))
    yield from ("", "## Diversity", "", *_diversity(trained))
    yield from ("", "## What a student learnt from them", "", *_scores(trained))
    yield from ("", "## Licence", "", f"- teacher {_inline(file.teacher.model)}: {licence_of(file.teacher.model)}")
    yield from ("", LICENCE_NOTE)


COLUMNS = {
    "id": "hash of input and output",
    "input": "the question",
    "output": "the right answer, as the teacher meant it",
    "skill": "what it practises",
    "messages": "the same as a chat: system, user, assistant",
    "calls": "hashes of the teacher's replies that the row came from",
    "attempt": f"number of the data program that submitted it; {GIVEN}: one of the recipe's own examples",
    "meta": "JSON text with whatever else the program noted",
}


def _filters(trained: Trained) -> Iterator[str]:
    total = sum(trained.rejected.values())
    yield f"- {total} rows of the run were turned away" + (":" if total else ".")
    yield from (f"  - {_inline(reason)}: {count}" for reason, count in trained.rejected.items())
    synthetic = [row for row in trained.rows if row["attempt"] != GIVEN]
    sourced = sum(bool(row["calls"]) for row in synthetic)
    yield f"- {sourced} of {len(synthetic)} synthetic rows name the teacher's replies that they came from"
    compared = ", ".join(trained.firewall) or "nothing"
    yield f"- every row was compared with all evaluation items, to keep them out of training: {compared}"


def _diversity(trained: Trained) -> Iterator[str]:
    """Figures of the rows that are in this folder."""
    rows = [Row(row["input"], row["output"], row["skill"], meta=row["meta"]) for row in trained.rows]
    card = diversity_card(rows, [item.input for item in trained.public], trained.recipe.labels)
    yield f"- different words, pairs and triples of words: {', '.join(f'{share:.0%}' for share in card.distinct)}"
    yield f"- rows that nearly repeat another row (character 4-grams, Jaccard 0.5): {card.near_duplicate_rate:.0%}"
    yield f"- Vendi score of {card.vendi_n} rows: {card.vendi:.1f}"
    yield f"- most common opening: {_inline(card.opening)} ({card.opening_share:.0%})"
    yield f"- balance of skills (1 is even): {card.label_entropy:.2f}"
    yield f"- length in words: {card.words['mean']:.1f} ± {card.words['sd']:.1f}"
    if card.distance is not None:
        yield f"- distance from the human evaluation messages ({DISTANCE}): {card.distance:.2f}"
    yield from (f"- warning: {_inline(warning)}" for warning in card.warnings())


def _size(rows: int) -> str:
    for most, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if rows < most:
            return name
    return "100K<n<1M"


def _inline(text: str) -> str:
    """Text of models and people on one line, as plain text in Markdown."""
    plain = one_line(text)
    for sign in "\\`*_[]<>|#":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def _fenced(text: str) -> list[str]:
    fence = "~~~~~~"
    return [fence, text.replace(fence, "~~~"), fence]
