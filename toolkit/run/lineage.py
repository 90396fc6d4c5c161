"""Which rows stood in which training, and what the scores did meanwhile.

Rounds differ in many things at once, so what is told here is correlation and says so; what a
batch of rows was worth is shown by training without it (`leave_out`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toolkit.evaluation.statistics import holm, paired, score_of
from toolkit.evaluation.verdict import SIGNIFICANCE
from toolkit.run.rounds import better_untrained
from toolkit.types import Json, Outcome, Row

if TYPE_CHECKING:
    from toolkit.journal import JournalReader, Record
    from toolkit.run.run import Run

SPLITS = ("public", "gate")
"""What rounds are compared on; never the sealed items."""

WITHIN_NOISE = "within the noise"
ONLY_CORRELATION = (
    "Changes went along with the new rows. Rounds differ in more than one thing, so nothing here says what caused "
    'them; training without a batch does: schoolhouse lineage {run} --leave-out "round={round}"'
)


@dataclass(frozen=True)
class TracedRow:
    """A row with where it came from and which rounds were trained on it.

    Args:
        round: the round that its attempt was made for; None when that was never trained on.
        trainings: the rounds that had it, oldest first.
        plan: what its plan wanted: the skill, how many rows of it, and the row's own marks (style, topic).
    """

    row: Row
    attempt: int
    operation: str
    round: int | None
    trainings: tuple[int, ...]
    plan: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        return {
            "id": self.row.id,
            "input": self.row.input,
            "output": self.row.output,
            "skill": self.row.skill,
            "attempt": self.attempt,
            "operation": self.operation,
            "round": self.round,
            "trainings": list(self.trainings),
            "plan": dict(self.plan),
            "calls": list(self.row.calls),
        }


def lineage(run: Run) -> dict[str, Any]:
    """Keys: run, rounds (with batches and skills), rows, leave_outs, note.

    A skill's change is paired, over public and gate items, against the round before, or against the
    better untrained student for the first one; p-values of a round's skills are corrected together (Holm).
    """
    traced = trace(run.reader)
    numbers = [found["number"] for found in run.rounds]
    note = ONLY_CORRELATION.format(run=run.name, round=numbers[-1]) if numbers else "No round was trained yet."
    return {
        "run": run.name,
        "rounds": [_round(run, found, traced) for found in run.rounds],
        "rows": [one.to_json() for one in traced],
        "leave_outs": run.reader.meta("leave_outs", []),
        "note": note,
    }


def trace(reader: JournalReader) -> list[TracedRow]:
    """Every row that was accepted or trained on, in the order of submission."""
    attempts = {found["id"]: found for found in reader.attempts()}
    rounds = reader.rounds()
    made_for = {found["attempt"]: found["number"] for found in reversed(rounds)}
    trainings: dict[str, list[int]] = {}
    for found in rounds:
        for row_id in found["row_ids"]:
            trainings.setdefault(row_id, []).append(found["number"])
    known: dict[str, TracedRow] = {}
    # accepted rows first: one that a person kept, although a check rejected it, was trained on as well
    for record in sorted(reader.rows(), key=lambda one: one["status"] != "accepted"):
        if record["id"] not in known and (record["status"] == "accepted" or record["id"] in trainings):
            origin = attempts.get(record["attempt"], {"operation": "", "plan": {}})
            known[record["id"]] = _traced(record, origin, made_for, trainings)
    return list(known.values())


def _traced(
    record: Record, attempt: Mapping[str, Any], made_for: Mapping[int, int], trainings: Mapping[str, list[int]]
) -> TracedRow:
    row = Row(record["input"], record["output"], record["skill"], tuple(record["calls"]), record["meta"])
    wanted = (attempt["plan"] or {}).get("skills", {}).get(row.skill)
    plan = {**row.meta, **({"skill": row.skill, "rows": wanted} if wanted is not None else {})}
    number = made_for.get(record["attempt"])
    return TracedRow(row, record["attempt"], attempt["operation"], number, tuple(trainings.get(record["id"], ())), plan)


def _round(run: Run, found: Record, traced: Sequence[TracedRow]) -> dict[str, Any]:
    number = found["number"]
    trained = [one for one in traced if number in one.trainings]
    before = _before(run, number)
    return {
        "round": number,
        "decision": found["decision"],
        "trained_on": len(found["row_ids"]),
        "batches": _batches(trained),
        "against": before,
        "skills": _skills(run, f"round-{number}", before, trained, number),
    }


def _batches(trained: Iterable[TracedRow]) -> list[dict[str, Any]]:
    """The rows of a training by the attempt that they came from."""
    groups: dict[int, list[TracedRow]] = {}
    for one in trained:
        groups.setdefault(one.attempt, []).append(one)
    return [
        {
            "attempt": attempt,
            "operation": rows[0].operation,
            "round": rows[0].round,
            "rows": len(rows),
            "skills": dict(Counter(one.row.skill for one in rows)),
        }
        for attempt, rows in sorted(groups.items())
    ]


def _before(run: Run, number: int) -> str:
    """The student that a round is compared with: the round before, or the better untrained one."""
    earlier = [found["number"] for found in run.rounds if found["number"] < number]
    return f"round-{earlier[-1]}" if earlier else better_untrained(run, "gate")


def _skills(run: Run, student: str, before: str, trained: Sequence[TracedRow], number: int) -> list[dict[str, Any]]:
    new, old = (by_skill(measured(run.reader, name)) for name in (student, before))
    fresh = Counter(one.row.skill for one in trained if one.round == number)
    total = Counter(one.row.skill for one in trained)
    sources = sources_of(run.reader)
    pairs = [(name, paired(new[name], old.get(name, []), sources)) for name in sorted(new)]
    adjusted = holm([gain.p_value for _, gain in pairs])
    return [
        {
            "skill": name,
            "rows": total[name],
            "new_rows": fresh[name],
            "before": score_of(old.get(name, [])).to_json(),
            "after": score_of(new[name]).to_json(),
            "difference": gain.difference,
            "low": gain.low,
            "high": gain.high,
            "n": gain.n,
            "p_value": gain.p_value,
            "p_adjusted": corrected,
            "words": _words(gain.difference, corrected, fresh[name], gain.n),
        }
        for (name, gain), corrected in zip(pairs, adjusted, strict=True)
    ]


def _words(difference: float, p_value: float, fresh: int, n: int) -> str:
    """What may be said of a change: never that the rows caused it."""
    if not n:
        return "no item in common"
    rows = f"{fresh} new row{'s' * (fresh != 1)}"
    if p_value >= SIGNIFICANCE:
        return WITHIN_NOISE
    return f"{'a rise' if difference > 0 else 'a fall'} went along with {rows}"


def measured(reader: JournalReader, student: str) -> list[Outcome]:
    """A student's outcomes on public and gate items together."""
    found = [(split, outcome) for split in SPLITS for outcome in reader.outcomes(student, split)]
    return [replace(outcome, item_id=f"{split}/{outcome.item_id}") for split, outcome in found]


def sources_of(reader: JournalReader) -> dict[str, str]:
    """What items were made from, by the ids of `measured`."""
    known = reader.meta("sources") or {}
    return {f"{split}/{item_id}": source for split in SPLITS for item_id, source in known.items()}


def by_skill(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Skill -> its outcomes."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.skill, []).append(outcome)
    return found
