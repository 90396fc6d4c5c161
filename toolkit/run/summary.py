"""A run in figures: what `schoolhouse show` prints and `--json` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.data.meanings import FILE as MEANINGS
from toolkit.data.prepare import FOLDER as DATA
from toolkit.data.sealed import looks
from toolkit.engineer.tree import failures, mats
from toolkit.evaluation.statistics import score_of
from toolkit.journal import GIVEN
from toolkit.run.rounds import better_untrained, gate_gains, summarised_power
from toolkit.stages.general import general_counts
from toolkit.stages.progress import stage_seconds
from toolkit.types import BASELINES

if TYPE_CHECKING:
    from toolkit.run.run import Run

Summary = dict[str, Any]
ONE_ROUND = ("one-shot", "human")
"""Arms whose only round sits the exam, whatever `gate` says."""


def summarise(run: Run) -> Summary:
    """Keys: run, recipe, arm, status, stopped, verdict, power, gains, judge, leave_outs, later_verdicts, uses,
    firewall, baselines, rounds, attempts, engineer, exam, rows, calls, tokens, seconds, peak_memory_bytes. `calls` and
    `tokens` are the teacher's; `stopped` says why no further round began.

    Baselines are scored on `private` once the exam was sat, on `gate` before.
    """
    reader = run.reader
    totals = reader.call_totals("teacher")
    verdict = reader.meta("verdict")
    examined = bool(verdict and verdict.get("student"))
    return {
        "run": run.name,
        "recipe": reader.meta("recipe_name"),
        "arm": (reader.meta("series") or {}).get("arm"),
        "status": run.status,
        "stopped": reader.meta("stopped"),
        "verdict": verdict,
        "power": summarised_power(run, verdict),
        "gains": gate_gains(run),
        "judge": reader.meta("judge"),
        "leave_outs": reader.meta("leave_outs", []),
        "later_verdicts": reader.meta("later_verdicts", []),
        "uses": _uses(run),
        "firewall": ["exact", "n-grams", *(["embeddings"] if (run.folder / DATA / MEANINGS).is_file() else [])],
        "baselines": {name: _score(run, name, "private" if examined else "gate") for name in BASELINES},
        "rounds": [_round(run, found) for found in reader.rounds()],
        "attempts": attempts_of(run),
        "engineer": _engineer(run),
        "exam": _exam(run, verdict) if examined else None,
        "rows": {**reader.row_counts(), "given": len(reader.accepted_rows(GIVEN))},
        "calls": totals["calls"],
        "tokens": {name: totals[f"{name}_tokens"] for name in ("prompt", "completion", "cached")},
        "seconds": {name: round(value, 1) for name, value in stage_seconds(reader).items()},
        "peak_memory_bytes": max((stage["peak_memory_bytes"] or 0 for stage in reader.stages()), default=0),
    }


def _round(run: Run, found: dict[str, Any]) -> Summary:
    student = f"round-{found['number']}"
    return {
        "round": found["number"],
        "arm": found["arm"],
        "accepted": len(run.reader.accepted_rows(found["attempt"])),
        "trained_on": len(found["row_ids"]),
        "general": general_counts(run.reader).get(found["number"], 0),
        "decision": found["decision"],
        "reason": found["reason"],
        **{split: _score(run, student, split) for split in ("public", "gate", "probe")},
    }


def attempts_of(run: Run) -> list[Summary]:
    """The tree of attempts, oldest first: what each came from, cost and yielded, and its round if it was trained on.

    `gain_points` and `gain_relative` are against the better untrained student on `gate`; None until that is scored.
    """
    trained = {found["attempt"]: found for found in run.reader.rounds()}
    found = []
    for attempt in run.reader.attempts():
        rows = run.reader.rows(attempt=attempt["id"])
        in_round = trained.get(attempt["id"], {})
        found.append(
            {
                "attempt": attempt["id"],
                "parent": attempt["parent"],
                "operation": attempt["operation"],
                "status": attempt["status"],
                "error_class": attempt["error_class"],
                "error": attempt["error"],
                "submitted": len(rows),
                "accepted": sum(row["status"] == "accepted" for row in rows),
                "calls": run.reader.calls_of(attempt["id"], "teacher"),
                "round": in_round.get("number"),
                "decision": in_round.get("decision"),
                **_gains_of(run, in_round.get("number")),
                "changes": attempt["plan"].get("changes", []),
            }
        )
    return found


def _gains_of(run: Run, number: int | None) -> Summary:
    trained = _score(run, f"round-{number}", "gate")
    untrained = _score(run, better_untrained(run, "gate"), "gate")
    if number is None or not trained["n"] or not untrained["n"]:
        return {"gain_points": None, "gain_relative": None}
    return _gain(trained["score"], untrained["score"])


def _gain(trained: float, untrained: float) -> Summary:
    """Absolute points, and the share of the untrained score; None where that is 0 and has no multiple."""
    gain = trained - untrained
    return {
        "gain_points": round(100 * gain, 2),
        "gain_relative": round(gain / untrained, 4) if untrained else None,
    }


def _engineer(run: Run) -> Summary:
    """What the engineer did and cost: attempts per successful submission (MATS), failures by class, calls, tokens."""
    attempts, totals = run.reader.attempts(), run.reader.call_totals("engineer")
    return {
        "attempts": len(attempts),
        "mats": mats(attempts),
        "failures": failures(attempts),
        "calls": totals["calls"],
        "tokens": {name: totals[f"{name}_tokens"] for name in ("prompt", "completion", "cached")},
    }


def _uses(run: Run) -> Summary:
    """How worn the measuring splits are: looks at the private items, and decisions that `gate` was asked for."""
    opened = looks(run.reader)
    decided = [found for found in run.rounds if found["decision"] and found["arm"] not in ONE_ROUND]
    return {
        "private": len(opened),
        "reasons": list(dict.fromkeys(opened)),
        "gate": len(decided),
    }


def _exam(run: Run, verdict: dict[str, Any]) -> Summary:
    trained = _score(run, verdict["student"], "private")
    untrained = _score(run, verdict["baseline"], "private")
    return {
        **trained,
        "student": verdict["student"],
        "baseline": verdict["baseline"],
        **_gain(trained["score"], untrained["score"]),
    }


def _score(run: Run, student: str, split: str) -> Summary:
    return {key: round(value, 6) for key, value in score_of(run.reader.outcomes(student, split)).to_json().items()}
