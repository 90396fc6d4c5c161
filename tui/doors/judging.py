"""The labelling desk of a run whose answers a model judges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.text import clean_block

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from toolkit.recipe import Recipe
    from tui.judging import Card, Desk
    from tui.state import Status

JUDGED = "judged"


class JudgingDoor:
    """What the Label screen asks. Every method may block."""

    def desk(self, reader: JournalReader, status: Status) -> Desk:
        """Rubric, answers to public items, and a person's labels.

        Raises SchoolhouseError when no model judges here, or a file of labels cannot be read.
        """
        from toolkit.errors import SchoolhouseError
        from toolkit.evaluation.judge import LEAST_LABELS
        from toolkit.stages.desk import desk_answers
        from toolkit.stages.judging import agreement_key, labels_of
        from tui.judging import Desk, card, shown_name

        recipe = _recipe(reader)
        settings = recipe.file.task.judge
        if settings is None:
            raise SchoolhouseError("no model judges the answers of this run: its scorer needs no labels")
        labels = labels_of(recipe, reader.folder)
        agreement = reader.meta("judge")
        return Desk(
            rubric=clean_block(settings.rubric.strip(), 4000),
            pairs=settings.mode == "pair",
            model=shown_name(recipe.judge or ""),
            status=status,
            cards=tuple(card(one.question, one.answer, one.reference) for one in desk_answers(reader)),
            labels={label.key: label.right for label in labels},
            needed=LEAST_LABELS,
            agreement=agreement,
            measured_now=bool(agreement) and agreement.get("key") == agreement_key(recipe, labels),
        )

    def save_labels(self, folder: Path, labels: Mapping[Card, bool]) -> None:
        """Write labels into the run's file; earlier ones of the same answers make room. Raises SchoolhouseError."""
        from toolkit.evaluation.judge import Label, keep_labels
        from toolkit.stages.judging import LABELS_FILE

        keep_labels(folder / LABELS_FILE, [Label(*one.key, right, one.expected) for one, right in labels.items()])


def is_judged(reader: JournalReader) -> bool:
    """Whether a model scores the answers of this run."""
    from toolkit.errors import SchoolhouseError
    from toolkit.recipe.yaml_text import parse

    text = reader.meta("recipe") or ""
    if JUDGED not in text:
        return False
    try:
        task = parse(text, "recipe.yaml").values.get("task")
    except SchoolhouseError:
        return False
    return isinstance(task, dict) and JUDGED in (task.get("answer"), task.get("scorer"))


def _recipe(reader: JournalReader) -> Recipe:
    from toolkit.recipe import recipe_from_text

    folder = Path(str(reader.meta("recipe_folder") or "."))
    return recipe_from_text(reader.meta("recipe") or "", folder, folder / "recipe.yaml")
