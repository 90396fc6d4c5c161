"""A run as a page of Markdown: what was found, on what evidence, at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from toolkit.evaluation.statistics import score_of
from toolkit.journal import JournalReader
from toolkit.paths import write_text
from toolkit.run.run import Run
from toolkit.run.students import run_recipe
from toolkit.types import Outcome

FILE = "report.md"
LONGEST = 160
MOST_EXAMPLES = 2
MOST_SKILLS = 40
REASONS = {
    "leak": "too close to an evaluation item; the text is not shown, it may be the item's own",
    "too_few_rows": "valid, but the submission had too few rows to be trained on",
    "duplicate": "the same text as an earlier row",
    "near_duplicate": "nearly the same text as an earlier row",
    "unknown_label": "the answer is not one of the labels",
    "label_in_text": "the message gives its label away",
    "looks_like_template": "a placeholder was left in the text",
}


def write_report(run: Run) -> Path:
    """Write `report.md` into the run's folder; returns its path. A run that is going on gets what it has so far."""
    path = run.folder / FILE
    write_text(path, "\n".join(_lines(run)).rstrip() + "\n")
    return path


def _lines(run: Run) -> Iterator[str]:
    summary = run.summary()
    yield f"# {summary['recipe']}: {summary['run']}"
    yield from ("", *_verdict(summary))
    yield from ("", "## Scores", "", *_scores(summary))
    yield from ("", *_spread(summary))
    if skills := _skills(run, summary):
        yield from ("", "## By skill", "", *skills)
    yield from ("", "## Rounds", "", *_rounds(summary))
    yield from ("", "## Rows", "", *_rows(run, summary))
    yield from ("", "## How worn the measuring splits are", "", *_worn(summary))
    yield from ("", "## Cost", "", *_cost(summary))
    yield from ("", "## How to repeat it", "", *_repeat(run))


def _verdict(summary: dict[str, Any]) -> Iterator[str]:
    verdict = summary["verdict"]
    if not verdict:
        yield f"There is no verdict yet: the run is {summary['status']}."
        return
    yield f"**{verdict['sentence']}**"
    if evidence := verdict.get("evidence"):
        yield from ("", f"{evidence}.")
    if (exam := summary["exam"]) and exam["gain_relative"] is not None:
        yield from ("", f"Relative gain over {exam['baseline']}: {100 * exam['gain_relative']:+.1f} %.")
    for later in summary["later_verdicts"]:
        yield from ("", f"Later, for “{_safe(later['reason'])}”: {later['sentence']}")


def _scores(summary: dict[str, Any]) -> list[str]:
    exam = summary["exam"]
    sealed = "private" if exam else "gate"
    rows = []
    for name, score in summary["baselines"].items():
        cells = {sealed: _score(score)}
        rows.append([f"{name}, untrained", "", "", cells.get("gate", ""), "", cells.get("private", "")])
    for found in summary["rounds"]:
        sat = exam and exam["student"] == f"round-{found['round']}"
        scores = [_score(found[split]) for split in ("public", "gate", "probe")]
        rows.append([f"round {found['round']}", str(found["trained_on"]), *scores, _score(exam) if sat else ""])
    head = ["student", "trained on", "public", "gate", "probe", "private"]
    return [*_table(head, rows), "", "Scores with their 95 % interval (Wilson) and the number of items."]


def _spread(summary: dict[str, Any]) -> Iterator[str]:
    spread = (summary["verdict"] or {}).get("spread")
    if not spread:
        yield "One training seed: how much the score depends on it is not known (`train.seeds`)."
        return
    yield f"Over training seeds, on `private`: {spread['words']}."
    yield ""
    yield from _table(["student", "score"], [[name, f"{value:.1%}"] for name, value in spread["scores"].items()])


def _skills(run: Run, summary: dict[str, Any]) -> list[str]:
    """The examined student against its rival by skill; after the exam only."""
    if not summary["exam"]:
        return []
    trained, rival = summary["exam"]["student"], summary["exam"]["baseline"]
    new, old = _by_skill(run.outcomes(trained, "private")), _by_skill(run.outcomes(rival, "private"))
    names = sorted(new, key=lambda name: score_of(new[name]).value)
    rows = [[name or "–", str(score_of(old.get(name, []))), str(score_of(new[name]))] for name in names[:MOST_SKILLS]]
    note = "The weakest first. So few items each say little by themselves."
    return [*_table(["skill", rival, trained], rows), "", note]


def _by_skill(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.skill, []).append(outcome)
    return found


def _rounds(summary: dict[str, Any]) -> Iterator[str]:
    rows = [
        [str(found["round"]), found["arm"], str(found["accepted"]), found["decision"] or "…", found["reason"] or ""]
        for found in summary["rounds"]
    ]
    yield from _table(["round", "arm", "new rows", "decision", "why"], rows)
    failed = [one for one in summary["attempts"] if one["status"] == "failed"]
    if failed:
        yield ""
        yield "Data programs that failed:"
        yield ""
        kept = ("operation", "error_class", "error")
        errors = [[str(one["attempt"]), *(one[key] or "" for key in kept)] for one in failed]
        yield from _table(["attempt", "operation", "class", "what was said"], errors)


def _rows(run: Run, summary: dict[str, Any]) -> Iterator[str]:
    counts = summary["rows"]
    turned_away = sum(counts["rejected"].values())
    yield f"{counts['accepted']} rows were accepted, {turned_away} turned away."
    if turned_away:
        rows = [
            [reason, str(count), REASONS.get(reason, ""), "; ".join(_examples(run.reader, reason))]
            for reason, count in counts["rejected"].items()
        ]
        yield ""
        yield from _table(["reason", "rows", "meaning", "for example"], rows)
    off = "" if "embeddings" in summary["firewall"] else " Sentence embeddings were off."
    yield ""
    yield f"The leakage firewall compared every row with all items: {', '.join(summary['firewall'])}.{off}"


def _examples(reader: JournalReader, reason: str) -> list[str]:
    """Texts that were turned away. Of a leak only the item's id and the similarity: the text may be an item's."""
    found = [row for row in reader.rows() if row["status"] != "accepted" and row["reason"] == reason][:MOST_EXAMPLES]
    return [row["detail"] if reason == "leak" else f"“{row['input']}”" for row in found]


def _worn(summary: dict[str, Any]) -> Iterator[str]:
    uses = summary["uses"]
    rounds = f"{uses['gate']} round{'s' * (uses['gate'] != 1)}"
    yield f"- `gate` decided on {rounds}: the more, the more its best score flatters."
    if not uses["private"]:
        yield "- The sealed items were not opened."
    elif uses["private"] == 1:
        yield "- The sealed items were opened once, for the exam."
    else:
        why = ", ".join(map(_safe, uses["reasons"]))
        yield f"- The sealed items were opened {uses['private']} times ({why}): they are spent."


def _cost(summary: dict[str, Any]) -> list[str]:
    tokens, engineer = summary["tokens"], summary["engineer"]
    rows = [[name, f"{value:.0f}"] for name, value in summary["seconds"].items()]
    rows.append(["together", f"{sum(summary['seconds'].values()):.0f}"])
    calls = f"Teacher: {summary['calls']} calls, {tokens['completion']} tokens written, {tokens['prompt']} read. "
    calls += f"Engineer: {engineer['attempts']} attempts, {engineer['calls']} calls."
    if engineer["mats"]:
        calls += f" Attempts for each successful submission (MATS): {engineer['mats']:.2f}."
    memory = f"Peak memory: {summary['peak_memory_bytes'] / 2**30:.1f} GiB."
    return [*_table(["stage", "seconds"], rows), "", calls, memory]


def _repeat(run: Run) -> list[str]:
    recipe = run_recipe(run)
    models = f"Teacher {recipe.file.teacher.model}, student {recipe.file.student.model}, seed {recipe.file.train.seed}."
    command = "Save this as `recipe.yaml` beside the recipe's data, then `schoolhouse run` its folder."
    return [models, command, "", "~~~~yaml", recipe.dump().rstrip(), "~~~~"]


def _score(score: dict[str, Any]) -> str:
    if not score["n"]:
        return ""
    return f"{score['score']:.1%} [{100 * score['low']:.1f}, {100 * score['high']:.1f}] n={score['n']}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([_safe(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _safe(text: str) -> str:
    """Text of models and people in a table cell: one line, no markup, no control characters."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    short = plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "\\\\"), ("|", "\\|"), ("`", "\\`")):
        short = short.replace(sign, escaped)
    for sign in "[]*":
        short = short.replace(sign, f"\\{sign}")
    return short
