"""Exporting the student of a run: what is read from the journal, and what is written to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data.prepare import FOLDER as DATA
from toolkit.data.prepare import prepare
from toolkit.errors import JournalError
from toolkit.evaluation.statistics import score_of
from toolkit.export.export import Export, Order, Target, create_in_ollama, export
from toolkit.export.parity import Parity
from toolkit.export.quantize import Quant
from toolkit.export.trained import Progress, Trained
from toolkit.journal import Journal
from toolkit.models.weights import weights_path
from toolkit.run.run import Run
from toolkit.run.students import run_recipe
from toolkit.types import Score, SplitName

FOLDER = "exports"


@dataclass(frozen=True, slots=True)
class Done:
    """An export that stands; `created` is the model's name in a running Ollama server."""

    export: Export
    created: str | None = None


def export_run(
    run: Run,
    to: Target,
    *,
    quant: Quant | None = None,
    out: Path | None = None,
    round_number: int | None = None,
    force: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Done:
    """Export the best round's student, or another's; journaled in the run.

    Raises JournalError when there is no trained student or another process works on the
    run, and whatever `export` raises; the journal then has the reason.
    """
    trained = trained_student(run, round_number)
    name = "-".join(part for part in (f"round-{trained.round}", to, quant) if part)
    order = Order(to, out or run.folder / FOLDER / name, quant, force)
    with Journal(run.folder) as journal:

        def note(parity: Parity) -> None:
            journal.event("parity", trained.round, to=to, quant=quant, **parity.to_json())

        made = export(trained, order, progress, note)
        place = order.out.resolve()
        inside = place.is_relative_to(run.folder.resolve())
        for file, sha256 in made.files.items():
            path = place.relative_to(run.folder.resolve()) / file if inside else place / file
            journal.artifact(path.as_posix(), f"export {to}", sha256, trained.round)
        journal.event("exported", trained.round, to=to, quant=quant, folder=order.out.name, forced=force)
    return Done(made, create_in_ollama(made))


def trained_student(run: Run, round_number: int | None = None) -> Trained:
    """The student of a round with all that its card says. Raises JournalError when there is none."""
    recipe = run_recipe(run)
    number = round_number or run.best_round
    rounds = {found["number"]: found for found in run.rounds if found["adapter"]}
    if number is None and rounds:
        number = max(rounds)
        raise JournalError(f"no round of {run.name} was accepted", f"schoolhouse export {run.name} --round {number} …")
    if number is None or number not in rounds:
        raise JournalError(f"{run.name} has no trained student{_of(number)}", f"schoolhouse show {run.name}")
    found = rounds[number]
    wanted = set(found["row_ids"])
    rows = {row["id"]: row for row in run.reader.rows(status="accepted") if row["id"] in wanted}
    summary, student = run.summary(), f"round-{number}"
    return Trained(
        run=run.name,
        round=number,
        recipe=recipe,
        gguf=weights_path(recipe.file.student.model),
        adapter=run.folder / found["adapter"],
        rows=list(rows.values()),
        public=prepare(recipe, run.folder).public if (run.folder / DATA).is_dir() else [],
        scores=_scores(run, student),
        verdict=_verdict(summary["verdict"] or {}, student),
        later_verdicts=[one for one in summary["later_verdicts"] if one["student"] == student],
        rejected=summary["rows"]["rejected"],
        firewall=summary["firewall"],
        log=run.folder / "student.log",
    )


def _of(number: int | None) -> str:
    return f" of round {number}" if number else " yet"


def _verdict(found: Mapping[str, Any], student: str) -> str:
    """The run's verdict, unless it is another student's."""
    return str(found.get("sentence", "")) if found.get("student") in (student, None) else ""


def _scores(run: Run, student: str) -> dict[str, Score]:
    splits: tuple[SplitName, ...] = ("public", "gate", "probe", "private")
    found = {split: run.outcomes(student, split) for split in splits}
    return {split: score_of(outcomes) for split, outcomes in found.items() if outcomes}
