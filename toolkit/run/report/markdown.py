"""A run as a page of Markdown: what was found, on what evidence, at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from toolkit.harmless import one_line
from toolkit.run.lineage import WITHIN_NOISE
from toolkit.run.report.facts import Facts
from toolkit.run.report.text import lesson_size, p_value

LONGEST = 160
LICENCE_OF_ROWS = (
    "The rows were written by the teacher: its licence may have terms for what is trained on its answers. "
    "The recipe does not say under which licence its own data stand; ask who made them before you share the student."
)
REASONS = {
    "over_budget": "the run had all the rows that its budget allows",
    "control_characters": "characters that do not print",
    "leak": "too close to an evaluation item; the text is not shown, it may be the item's own",
    "too_few_rows": "valid, but the submission had too few rows to be trained on",
    "duplicate": "the same text as an earlier row",
    "near_duplicate": "nearly the same text as an earlier row",
    "same_meaning": "the same as an earlier row in other words",
    "opening_share": "too many rows begin with the same words",
    "topic_share": "too many rows are about the same topic",
    "label_share": "too many rows have the same label",
    "hand_written": "the text is in no teacher reply, and only a few rows may be so",
    "answer_fails_scorer": "the task's own scorer does not accept the answer",
    "too_long": "longer than what the student reads",
    "unknown_label": "the answer is not one of the labels",
    "label_in_text": "the message gives its label away",
    "looks_like_template": "a placeholder was left in the text",
}


def markdown(facts: Facts) -> str:
    """The whole page. A run that is going on gets what it has so far."""
    return "\n".join(_lines(facts)).rstrip() + "\n"


def _lines(facts: Facts) -> Iterator[str]:
    summary = facts.summary
    yield f"# {summary['recipe']}: {summary['run']}"
    yield from ("", *_verdict(summary))
    yield from ("", "## Scores", "", *_scores(summary))
    yield from ("", *_spread(summary))
    if skills := _skills(facts):
        yield from ("", "## By skill", "", *skills)
    if mistakes := _mistakes(facts):
        yield from ("", "## Most frequent mistakes", "", *mistakes)
    yield from ("", "## Rounds", "", *_rounds(facts))
    yield from ("", "## Rows", "", *_rows(facts))
    if facts.arms:
        yield from ("", "## Arms", "", *_arms(facts.arms))
    if facts.lineage:
        yield from ("", "## From rows to scores", "", *_lineage(facts))
    yield from ("", "## Data card", "", *_card(facts))
    yield from ("", "## How worn the measuring splits are", "", *_worn(summary))
    yield from ("", "## Cost", "", *_cost(summary))
    yield from ("", "## How to repeat it", "", *_repeat(facts))


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
    if summary["power"]:
        yield from ("", summary["power"])
    if judge := summary["judge"]:
        yield from ("", f"Judged by {_safe(judge['model'])}: {judge['words']}")
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
        rows.append([f"round {found['round']}", lesson_size(found), *scores, _score(exam) if sat else ""])
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


def _skills(facts: Facts) -> list[str]:
    """The trained student against its rival by skill: on the sealed items after the exam, on `public` before."""
    if not facts.skills:
        return []
    rows = [[name or "–", str(old or ""), str(new)] for name, new, old in facts.skills]
    note = f"On `{facts.split}`, the weakest first. So few items each say little by themselves."
    return [*_table(["skill", facts.rival, facts.student or ""], rows), "", note]


def _mistakes(facts: Facts) -> list[str]:
    found = facts.confusions
    if not found or not found.worst():
        return []
    rows = [[name, answer, str(count)] for name, answer, count in found.worst()]
    return [*_table(["right answer", f"{found.student} said", "items"], rows), "", f"On `{found.split}`."]


def _rounds(facts: Facts) -> Iterator[str]:
    summary = facts.summary
    rows = [
        [str(found["round"]), found["arm"], str(found["accepted"]), found["decision"] or "…", found["reason"] or ""]
        for found in summary["rounds"]
    ]
    yield from _table(["round", "arm", "new rows", "decision", "why"], rows)
    if facts.gains:
        yield from ("", *_gains(facts.gains))
    failed = [one for one in summary["attempts"] if one["status"] == "failed"]
    if failed:
        yield ""
        yield "Data programs that failed:"
        yield ""
        kept = ("operation", "error_class", "error")
        errors = [[str(one["attempt"]), *(one[key] or "" for key in kept)] for one in failed]
        yield from _table(["attempt", "operation", "class", "what was said"], errors)


def _gains(gains: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Each round against the untrained student on `gate`, corrected for their number."""
    rows = [
        [
            str(one["round"]),
            _points(one),
            str(one["n"]),
            p_value(one["p_value"]),
            p_value(one["p_adjusted"]),
        ]
        for one in gains
    ]
    yield from _table(["round", f"points against {gains[0]['against']} on gate", "items", "p", "p corrected"], rows)
    rounds = f"{len(gains)} round{'s' * (len(gains) != 1)}"
    yield from ("", f"Corrected for {rounds} on the same items (Holm).")


def _rows(facts: Facts) -> Iterator[str]:
    summary = facts.summary
    counts = summary["rows"]
    turned_away = sum(counts["rejected"].values())
    yield f"{counts['accepted']} rows were accepted, {turned_away} turned away."
    if counts["given"]:
        yield f"\n{counts['given']} of the recipe's own examples stood beside them in every training."
    if turned_away:
        rows = [
            [reason, str(count), REASONS.get(reason, ""), "; ".join(facts.turned_away(reason))]
            for reason, count in counts["rejected"].items()
        ]
        yield ""
        yield from _table(["reason", "rows", "meaning", "for example"], rows)
    off = "" if "embeddings" in summary["firewall"] else " Sentence embeddings were off."
    yield ""
    yield f"The leakage firewall compared every row with all items: {', '.join(summary['firewall'])}.{off}"


def _arms(found: dict[str, Any]) -> Iterator[str]:
    """The arms of the series, and all pairs of them."""
    rows = [
        [one["name"], one["student"], _score(one), str(one["rows"]), one["spread"]["words"] if one["spread"] else ""]
        for one in found["runs"]
    ]
    yield from _table(["arm", "student", found["split"], "rows", "over training seeds"], rows)
    pairs = [
        [f"{pair['new']} − {pair['old']}", pair["word"], _points(pair), p_value(pair["p_adjusted"])]
        for pair in found["comparisons"]
    ]
    yield from ("", *_table(["comparison", "", "points", "p corrected"], pairs), "")
    yield from (f"{_safe(note)}." for note in found["notes"])


def _lineage(facts: Facts) -> Iterator[str]:
    """What each round was trained on, and which skills changed beyond the noise."""
    rounds, changes = [], []
    for one in facts.lineage:
        batches = ", ".join(f"{b['rows']} of attempt {b['attempt']} ({b['operation']})" for b in one["batches"])
        rounds.append([str(one["round"]), batches])
        changed = [skill for skill in one["skills"] if skill["words"] != WITHIN_NOISE]
        against = f"round-{one['round']} − {one['against']}"
        changes += [[against, skill["skill"], _points(skill), skill["words"]] for skill in changed]
    yield from _table(["round", "trained on"], rounds)
    yield from (
        ("", *_table(["against", "skill", "points", ""], changes))
        if changes
        else ("", "No skill changed beyond the noise.")
    )
    yield from ("", "What went along with new rows was not shown to be caused by them.")
    for one in facts.summary["leave_outs"]:
        yield from ("", _safe(one["sentence"]))


def _card(facts: Facts) -> Iterator[str]:
    """Where the rows come from, how varied they are, and under which licences."""
    file, counts = facts.recipe.file, facts.splits
    yield f"- Task: {_safe(file.task.about)} Answers: {file.task.answer}."
    yield f"- Items made by people: {', '.join(f'{name} {count}' for name, count in counts.items())}."
    for one in facts.models:
        licence = one["licence"] or "licence not known here"
        yield f"- {one['role'].capitalize()}: {_safe(one['name'])} ({licence})."
    yield f"- {LICENCE_OF_ROWS}"
    if facts.cards:
        yield ""
        head = ["round", "rows", "Vendi share", "distinct 3-grams", "near-duplicates", "not from the teacher", "narrow"]
        yield from _table(head, [_variety(number, card) for number, card in facts.cards.items()])


def _variety(number: int, found: dict[str, Any]) -> list[str]:
    card = found["card"]
    shares = (card["distinct"][2], card["near_duplicate_rate"], found.get("handwritten", 0.0))
    figures = [f"{card['vendi_share']:.2f}", *(f"{share:.1%}" for share in shares)]
    return [str(number), str(card["n"]), *figures, "; ".join(found["warnings"])]


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


def _repeat(facts: Facts) -> Iterator[str]:
    recipe, reader = facts.recipe, facts.reader
    yield f"Teacher {recipe.file.teacher.model}, student {recipe.file.student.model}, seed {recipe.file.train.seed}."
    yield "Save this as `recipe.yaml` beside the recipe's data, then `schoolhouse run` its folder."
    yield from ("", "~~~~yaml", recipe.dump().rstrip(), "~~~~", "")
    yield f"- Recipe fingerprint: `{reader.meta('fingerprint')}`"
    for one in facts.models:
        if one["sha256"]:
            yield f"- {one['name']}: SHA-256 `{one['sha256']}`"
    for name, hashed in facts.adapters:
        yield f"- Adapter {name}: SHA-256 `{hashed}`"
    if known := reader.meta("versions"):
        yield f"- Versions: {', '.join(f'{name} {_safe(number)}' for name, number in known.items())}"


def _points(one: dict[str, Any]) -> str:
    return f"{100 * one['difference']:+.1f} [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"


def _score(score: dict[str, Any]) -> str:
    if not score["n"]:
        return ""
    return f"{score['score']:.1%} [{100 * score['low']:.1f}, {100 * score['high']:.1f}] n={score['n']}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([_safe(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _safe(text: str) -> str:
    """Text of models and people in a table cell: one line, no markup, no control characters."""
    whole = one_line(text)
    short = whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "\\\\"), ("|", "\\|"), ("`", "\\`")):
        short = short.replace(sign, escaped)
    for sign in "[]*":
        short = short.replace(sign, f"\\{sign}")
    return short
