"""The mask lint on a recipe's or a run's rows."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.data.sources import read_examples
from toolkit.data.splits import make_splits
from toolkit.errors import JournalError
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.models.hf_folder import hf_folder
from toolkit.models.weights import weights_path
from toolkit.recipe import Recipe
from toolkit.run.run import Run
from toolkit.training.lint import SHOWN, LintReport, lint_in_child


def lint_recipe(recipe: Recipe, run: Run | None = None, show: int = SHOWN) -> LintReport:
    """What a training of this recipe's student would learn from.

    The rows are those of the run's last round. Before there is a run, the public items stand
    in for them: they have the prompts and the answers that lessons will have.

    Raises ModelError without the student's weights, JournalError when the run has no rows.
    """
    pairs = _rows_of(run) if run else _public(recipe)
    task, train = recipe.file.task, recipe.file.train
    prompts = TaskPrompts(task.system, recipe.labels, task.answer)
    rows = [{"messages": list(prompts.trained(text)), "answer": answer} for text, answer in pairs]
    folder = hf_folder(weights_path(recipe.file.student.model))
    return lint_in_child(folder, rows, {"max_length": train.max_length, "batch_size": train.batch_size}, show)


def _rows_of(run: Run) -> Sequence[tuple[str, str]]:
    rounds = run.rounds
    accepted = run.reader.rows(status="accepted")
    wanted = set(rounds[-1]["row_ids"]) if rounds else {row["id"] for row in accepted}
    found = {row["id"]: (str(row["input"]), str(row["output"])) for row in accepted if row["id"] in wanted}
    if not found:
        raise JournalError(f"{run.name} has no rows yet", f"schoolhouse resume {run.name}")
    return list(found.values())


def _public(recipe: Recipe) -> Sequence[tuple[str, str]]:
    items = make_splits(read_examples(recipe), recipe).items["public"]
    return [(item.input, item.output) for item in items]
