"""`plan`: numbers from measurement, words from the model, carried out by a library program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from toolkit.engineer.bandit import contrasts, shares
from toolkit.engineer.engineer import EngineerModel, Proposal, Situation
from toolkit.engineer.feedback import VALID, evidence, too_alike
from toolkit.engineer.lesson_plan import KINDS, Change, LessonPlan, words_of
from toolkit.engineer.picks import Pairs, picks
from toolkit.engineer.plan import even_shares, turned_styles, wish_change, with_wishes
from toolkit.engineer.whole_plan import whole_plan
from toolkit.engineer.words import Words
from toolkit.types import Completion

MOST_PAIRS = 3
"""Confused pairs of labels that are asked about, each with one question."""

FEWEST_CONFUSIONS = 2
MOST_WEAK = 2
"""Weak labels that get new topics."""

MOST_STYLES = 18
MOST_CHANGES = 6
WORDS, MORE_WORDS = 3, 6
"""New styles, kinds, and topics of a label that one question asks for; the larger after rows that were too alike."""


SILENT = EngineerModel(lambda request, attempt: Completion("", "stop", 0, 0))
"""Asked for words, it has none: what is left of a plan is what was measured."""


class Planner:
    """Fills a typed plan, each round from that of the best attempt so far."""

    revises = True
    tries = False

    def __init__(self, program: str, model: EngineerModel) -> None:
        self._program, self._model = program, model

    def propose(self, situation: Situation) -> Proposal:
        words = Words(self._model, situation)
        plan = (self._model.at_once and at_once(situation, words)) or lesson(situation, words)
        parent = situation.earlier.id if situation.earlier else None
        return Proposal(situation.operation, plan.for_program(), self._program, parent)


def at_once(situation: Situation, words: Words) -> LessonPlan | None:
    """The plan of a model that is fit to say it in one answer; None for other tasks, or an answer of no use."""
    if situation.answer != "label":
        return None
    measured = lesson(situation, Words(SILENT, situation))
    shared = list(_share_changes(situation, measured.skills))  # the model has its own shares
    others = [change for change in measured.changes if change not in shared]
    return whole_plan(situation, words, measured.model_copy(update={"changes": others}))


def lesson(situation: Situation, words: Words) -> LessonPlan:
    """The plan of the next attempt, with a reason for each change."""
    before = words_of(situation.earlier.plan) if situation.earlier else None
    styles, kinds, style_changes = _ways(situation, before, words)
    by_label = shares(situation) if situation.measured else even_shares(situation.labels, situation.rows)
    topics, hints = dict(before.topics) if before else {}, dict(before.hints) if before else {}
    confused = confused_pairs(situation)
    shown = picks(situation.examples, confused)
    changes = [*_failure_changes(situation), *_share_changes(situation, by_label), *style_changes]
    changes += _contrast_changes(confused, words, hints)
    changes += _topic_changes(situation, words, topics)
    changes += _shown_changes(shown, confused)
    return LessonPlan(
        skills=by_label,
        styles=styles,
        kinds=kinds,
        situations=before.situations if before else [],
        personas=before.personas if before else [],
        wishes=list(situation.notes),
        topics=topics,
        hard=round(min(0.5, _error_rate(situation) / 2), 2),
        contrasts=contrasts(situation),
        hints=hints,
        shown=shown,
        changes=changes,
        dropped=dict(+words.dropped),
    )


def _error_rate(situation: Situation) -> float:
    total = sum(report.n for report in situation.skills.values())
    return 1 - sum(report.right for report in situation.skills.values()) / total if total else 0.0


def _share_changes(situation: Situation, by_label: Mapping[str, int]) -> Iterator[Change]:
    """The largest differences from even shares; each cites the label's score and interval."""
    if not situation.measured:
        return
    even = even_shares(situation.labels, situation.rows)
    moved = sorted(by_label, key=lambda label: -abs(by_label[label] - even[label]))
    for label in [label for label in moved if by_label[label] != even[label]][:MOST_CHANGES]:
        what = f"{label}: {by_label[label]} rows, an even share is {even[label]}"
        yield Change(what=what, why=evidence(label, situation.skills[label]))


def _asked_for(situation: Situation) -> int:
    """How many new styles, kinds and topics are asked for; more of them after rows that were too much alike."""
    return MORE_WORDS if too_alike(situation.earlier) else WORDS


def _failure_changes(situation: Situation) -> Iterator[Change]:
    """Why the attempt before failed, and what this one does about it."""
    earlier = situation.earlier
    if earlier is None or earlier.problem is None:
        return
    valid = earlier.rejected.get(VALID, (earlier.accepted, ""))[0]
    lost = {reason: count for reason, (count, _) in earlier.rejected.items() if reason != VALID}
    counted = ", ".join(f"{reason} {count}" for reason, count in sorted(lost.items(), key=lambda one: -one[1])[:4])
    why = f"attempt {earlier.id}: {earlier.problem.error_class}, {valid} valid rows, {situation.least} are needed"
    more = f"{MORE_WORDS} new styles and topics are asked for instead of {WORDS}"
    what = more if too_alike(earlier) else "the styles begin at another place"
    yield Change(what=what, why=f"{why} ({counted})" if counted else why)


def _ways(situation: Situation, before: LessonPlan | None, words: Words) -> tuple[list[str], list[str], list[Change]]:
    """Styles for messages that people write, kinds for questions with one right answer, and why they changed.

    A wish that the model makes no words of is taken as it is.
    """
    labelled = situation.answer == "label"
    default = turned_styles(situation) if labelled else list(KINDS)
    kept = (before.styles if labelled else before.kinds) if before else []
    old = [style for style in kept if style not in situation.notes] or default
    count = _asked_for(situation)
    new = words.styles(old, count) if labelled else words.kinds(old, count)
    found = list(dict.fromkeys([*new, *default, *old]))[:MOST_STYLES]
    changes = list(_way_changes(situation, new))
    if not labelled:
        return turned_styles(situation), found, changes
    return (found if new else with_wishes(found, situation.notes)), [], changes


def _way_changes(situation: Situation, new: list[str]) -> Iterator[Change]:
    if situation.notes and not (new and situation.answer == "label"):
        yield Change(**wish_change(situation))
    if new:
        asked = f"asked for by a person: {'; '.join(situation.notes)}" if situation.notes else "more variety"
        yield Change(what=f"{'styles' if situation.answer == 'label' else 'kinds'}: {'; '.join(new)}", why=asked)


def _contrast_changes(confused: Pairs, words: Words, hints: dict[str, str]) -> Iterator[Change]:
    """Ask what tells the most confused labels apart; the answers go into `hints`."""
    for (first, second), count in confused[:MOST_PAIRS]:
        apart = words.contrast(first, second)
        if apart:
            hints[first], hints[second] = apart
            yield Change(
                what=f"{first}: {apart[0]} {second}: {apart[1]}", why=f"the two were confused {count} times on public"
            )


def confused_pairs(situation: Situation) -> list[tuple[tuple[str, str], int]]:
    """Pairs of labels that the student took for one another, either way, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for (expected, answered), count in situation.confusions.items():
        if expected in situation.labels and answered in situation.labels:
            pair = (min(expected, answered), max(expected, answered))
            counts[pair] = counts.get(pair, 0) + count
    often = [(pair, count) for pair, count in counts.items() if count >= FEWEST_CONFUSIONS]
    return sorted(often, key=lambda found: (-found[1], found[0]))


def _topic_changes(situation: Situation, words: Words, topics: dict[str, list[str]]) -> Iterator[Change]:
    """New topics for the weakest labels, in `topics`."""
    measured = {label: report for label, report in situation.skills.items() if report.n and report.right < report.n}
    weakest = sorted(measured, key=lambda label: measured[label].right / measured[label].n)[:MOST_WEAK]
    for label in weakest:
        found = words.topics(label, topics.get(label, []), _asked_for(situation))
        if found:
            topics[label] = found
            yield Change(what=f"{label}: topics {'; '.join(found)}", why=evidence(label, measured[label]))


def _shown_changes(shown: Mapping[str, list[int]], confused: Pairs) -> Iterator[Change]:
    """Which of the recipe's examples are shown, counted from 1, and between which labels the border runs."""
    for label, places in list(shown.items())[:MOST_CHANGES]:
        often = [(pair, count) for pair, count in confused if label in pair]
        rivals = ", ".join(f"{pair[pair[0] == label]} ({count} times)" for pair, count in often)
        what = f"{label}: shows its examples {', '.join(str(place + 1) for place in places)}"
        yield Change(what=what, why=f"they are nearest to what it was confused with: {rivals}")
