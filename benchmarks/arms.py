"""Which engineer writes the better lessons, at equal teacher calls and equal accepted rows.

    python benchmarks/arms.py --recipe recipes/quickstart --arms fixed,bandit,plan,code,human --runs 3
        [--set section.key=value …] [--target 0.8] [--quick]

Arms: `fixed` (one-shot), `control` (fixed, with rounds), `bandit`, `plan`, `code`, `code-one-shot`
(8 drafts at most), and `human`: rows that people wrote. Run N of an arm has N as the seed of the
teacher, the engineer and the training; all have the same items. The arms take turns.

A finished run is not carried out again, an unfinished one goes on where it stopped. Scores are on
`private`. A run whose rounds were never above the noise leaves its exam sealed: its product is the
untrained student, and it is counted with that student's score. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain, zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

from toolkit.data.firewall import Firewall
from toolkit.data.near_duplicates import NearDuplicates
from toolkit.data.prepare import RunData, prepare
from toolkit.data.sources import read_examples
from toolkit.errors import SchoolhouseError
from toolkit.evaluation.statistics import bootstrap_interval, score_of, spread
from toolkit.journal import Journal
from toolkit.paths import runs_dir
from toolkit.recipe import Recipe, load_recipe
from toolkit.run import Run
from toolkit.types import Outcome, Row

ITERATIVE, ONE_SHOT = "engineer.mode=iterative", "engineer.mode=one-shot"
ARMS = {
    "fixed": ("engineer.kind=fixed", ONE_SHOT),
    "control": ("engineer.kind=fixed", ITERATIVE),
    "bandit": ("engineer.kind=bandit", ITERATIVE),
    "plan": ("engineer.kind=plan", ITERATIVE),
    "code": ("engineer.kind=code", ITERATIVE),
    "code-one-shot": ("engineer.kind=code", ONE_SHOT),
    "human": ("engineer.kind=fixed", ONE_SHOT),
}
REFERENCE = "fixed"
AUTONOMOUS = ("bandit", "plan", "code", "code-one-shot")
TARGETS = {"banking77": 0.8}
"""Recipe -> the private score that the best autonomous arm should reach."""

QUICK = (
    "budget.rounds=2",
    "budget.rows=48",
    "budget.min_rows=8",
    "budget.teacher_calls=60",
    "data.per_label={public: 3, gate: 3, private: 5}",
)
Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = read_arguments(arguments)
    arms = [name.strip() for name in chosen.arms.split(",") if name.strip()]
    if unknown := [name for name in arms if name not in ARMS]:
        raise SystemExit(f"there is no arm {unknown[0]!r}; write some of {','.join(ARMS)}")
    overrides = [*(QUICK if chosen.quick else ()), *chosen.set]
    runs: dict[str, list[Run]] = {name: [] for name in arms}
    for seed in range(1 if chosen.quick else chosen.runs):
        for name in arms:
            lenders = [run.folder.name for others in runs.values() for run in others]
            runs[name].append(carry_out(chosen.recipe, name, seed, overrides, lenders))
            print(json.dumps({"arm": name, "run": seed, **figures_of(runs[name][-1])}), flush=True)
    report = judge(runs, load_recipe(chosen.recipe).file.name, chosen.target)
    print(json.dumps(report, ensure_ascii=False))
    raise SystemExit(0 if report["pass"] else 1)


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="recipes/quickstart")
    parser.add_argument("--arms", default="fixed,bandit,plan,code,human")
    parser.add_argument("--runs", type=int, default=3, help="runs of each arm, each with a seed of its own")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all arms")
    parser.add_argument("--target", type=float, help="the private score that the best autonomous arm should reach")
    parser.add_argument("--quick", action="store_true", help="one run an arm, 48 rows, few items: does it work at all?")
    return parser.parse_args(arguments)


# -- carrying out --------------------------------------------------------------------------------


def carry_out(recipe_name: str, arm: str, seed: int, overrides: Sequence[str], lenders: Sequence[str]) -> Run:
    """The run of an arm and a seed, finished; one that failed says why in its journal.

    Args:
        lenders: finished runs beside it, whose untrained students need not be asked again.
    """
    seeds = [f"teacher.seed={seed}", f"train.seed={seed}"]
    recipe = load_recipe(recipe_name, [*overrides, *ARMS[arm], *seeds])
    folder = runs_dir() / f"arms-{recipe.file.name}-{arm}-{seed}-{recipe.fingerprint[:8]}"
    run = Run(folder) if (folder / "run.db").is_file() else begin(recipe, folder, arm, lenders)
    if run.status != "finished":
        try:
            run.carry_out()
        except SchoolhouseError as error:
            print(f"{folder.name}: {error.message}", flush=True)
    return run


def begin(recipe: Recipe, folder: Path, arm: str, lenders: Sequence[str]) -> Run:
    """A new run; that of the arm `human` begins with its rows, so that nobody is asked for any."""
    run = Run.create(recipe, folder)
    with Journal(folder) as journal:
        journal.set_meta("series", {"id": folder.name, "arm": arm, "arms": [arm], "shares": list(lenders)})
        if arm == "human":
            rows = human_rows(recipe, prepare(recipe, folder))
            journal.attempt(1, operation="draft", program="", plan={"source": "people"})
            for place, row in enumerate(rows):
                journal.row(1, place, row)
            journal.end_attempt(1, "valid")
    return run


def human_rows(recipe: Recipe, data: RunData) -> list[Row]:
    """As many rows as the teacher may write, of each label in turn.

    They are the labelled examples that measure nothing in this run; where all of them do, the
    public and gate items, so that only the private score says anything.
    """
    guarded = Firewall(data.public, data.gate, data.sealed.fingerprints())
    spare = [Row(one.input, one.output, one.skill) for one in read_examples(recipe)]
    spare = [row for row in distinct(spare) if guarded.check(row.input) is None]
    if len(spare) < recipe.file.budget.min_rows:
        print("human rows: the public and gate items, because no other examples are left", flush=True)
        spare = [Row(item.input, item.output, item.skill) for item in (*data.public, *data.gate)]
    by_skill: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(spare, key=lambda row: row.id):
        by_skill[row.skill].append(row)
    in_turn = chain.from_iterable(zip_longest(*(by_skill[skill] for skill in sorted(by_skill))))
    return [row for row in in_turn if row is not None][: recipe.file.budget.rows]


def distinct(rows: Iterable[Row]) -> Iterable[Row]:
    """The rows without near-duplicates of earlier ones."""
    near = NearDuplicates()
    for row in rows:
        if near.nearest(row.input) is None:
            near.add(row.input)
            yield row


# -- figures -------------------------------------------------------------------------------------


def outcomes_of(run: Run) -> list[Outcome]:
    """How the run's product did on `private`; nothing when its exam stayed sealed."""
    verdict = run.reader.meta("verdict") or {}
    return run.reader.outcomes(verdict["student"], "private") if verdict.get("student") else []


def figures_of(run: Run) -> Figures:
    """One run in figures."""
    summary = run.summary()
    attempts = [found["status"] for found in summary["attempts"]]
    return {
        **{key: round(value, 4) for key, value in score_of(outcomes_of(run)).to_json().items()},
        "rows": summary["rows"]["accepted"],
        "calls": summary["calls"],
        "rounds": len(summary["rounds"]),
        "decisions": [found["decision"] for found in summary["rounds"]],
        "gate": [found["gate"]["score"] for found in summary["rounds"]],
        "attempts": len(attempts),
        "first_valid": attempts.index("valid") + 1 if "valid" in attempts else None,
        "mats": summary["engineer"]["mats"],
        "failures": summary["engineer"]["failures"],
        "minutes": round(sum(summary["seconds"].values()) / 60, 1),
    }


def untrained(runs: Iterable[Run]) -> list[Outcome]:
    """The better untrained student on `private`, from the first run that asked it; nothing when none did."""
    for run in runs:
        asked = [run.reader.outcomes(name, "private") for name in ("zero-shot", "few-shot")]
        if any(asked):
            return max(asked, key=lambda outcomes: score_of(outcomes).value)
    return []


def item_means(runs: Sequence[list[Outcome]]) -> dict[str, float]:
    """Item -> its mean score over the runs that answered it."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for outcome in chain.from_iterable(runs):
        scores[outcome.item_id].append(outcome.score)
    return {item: fmean(found) for item, found in scores.items()}


def arm_figures(runs: Sequence[Run], fallback: list[Outcome]) -> tuple[Figures, dict[str, float]]:
    """An arm over its seeds, and its mean score for each item."""
    single = [figures_of(run) for run in runs]
    sealed = sum(not outcomes_of(run) for run in runs)
    answered = [outcomes_of(run) or fallback for run in runs]
    scores = [score_of(outcomes).value for outcomes in answered if outcomes]
    mats = [one["mats"] for one in single if one["mats"] is not None]
    found: Figures = {
        "scores": [round(score, 4) for score in scores],
        "spread": {key: round(value, 4) for key, value in asdict(spread(scores)).items()} if scores else None,
        "exams_left_sealed": sealed,
        "rows": [one["rows"] for one in single],
        "calls": [one["calls"] for one in single],
        "mats": round(fmean(mats), 2) if mats else None,
        "valid_within_8": sum(one["first_valid"] is not None and one["first_valid"] <= 8 for one in single),
        "minutes": [one["minutes"] for one in single],
    }
    return found, item_means(answered)


def judge(runs: dict[str, list[Run]], recipe: str, target: float | None) -> Figures:
    """All arms, their gains over `fixed`, and whether the targets hold."""
    fallback = untrained(chain.from_iterable(runs.values()))
    arms, means = {}, {}
    for name, theirs in runs.items():
        arms[name], means[name] = arm_figures(theirs, fallback)
    for name in arms:
        if name != REFERENCE and means.get(REFERENCE) and means[name]:
            arms[name]["gain_over_fixed"] = gain(means[name], means[REFERENCE])
    contestants = [name for name in arms if name in AUTONOMOUS and arms[name]["spread"]]
    best = max(contestants, key=lambda name: arms[name]["spread"]["mean"], default=None)
    wanted = target if target is not None else TARGETS.get(recipe)
    figures = {"recipe": recipe, "best_autonomous": best, "untrained": score_of(fallback).to_json(), "arms": arms}
    return {
        "name": "arms",
        "machine": platform.processor() or platform.machine(),
        "figures": figures,
        "targets": {"best_autonomous_score": wanted, "best_autonomous_above_fixed_points": 0.0},
        "pass": best is not None and holds(arms[best], wanted, REFERENCE in arms),
    }


def gain(theirs: dict[str, float], reference: dict[str, float]) -> Figures:
    """The mean paired difference in points, with its bootstrap interval over the items that both were asked."""
    common = sorted(theirs.keys() & reference.keys())
    differences = [theirs[item] - reference[item] for item in common]
    low, high = bootstrap_interval(differences)
    points = {"points": fmean(differences), "low": low, "high": high}
    return {**{key: round(100 * value, 2) for key, value in points.items()}, "items": len(common)}


def holds(best: Figures, wanted: float | None, compared: bool) -> bool:
    """Whether an arm reaches the score and, where `fixed` was run, is above it by more than its interval."""
    reached = wanted is None or best["spread"]["mean"] >= wanted
    return bool(reached and (not compared or best.get("gain_over_fixed", {"low": 0.0})["low"] > 0))


if __name__ == "__main__":
    main()
