"""`code`: the model writes the whole data program, as in the paper."""

from __future__ import annotations

from toolkit.engineer.bandit import shares
from toolkit.engineer.engineer import EngineerModel, Problem, Proposal, Situation
from toolkit.engineer.extract import extract
from toolkit.engineer.gaps import LEAST, WANTED, Gap, is_empty, texts_in, with_texts
from toolkit.engineer.plan import even_shares
from toolkit.engineer.prompts import SYSTEM, code_prompt
from toolkit.engineer.skeletons import gap, skeleton
from toolkit.engineer.words import Words
from toolkit.types import Json

Written = tuple[str, Problem | None]
"""A program, or what there is to debug from, and what is wrong with it if anything is."""


class Code:
    """Drafts, debugs, repairs and improves programs; how many rows each label needs is measured, not guessed.

    A model that hands its skeleton back with the place to fill still empty is asked for that part alone from then on.
    """

    revises = tries = True

    def __init__(self, _program: str, model: EngineerModel) -> None:
        self._model = model

    def propose(self, situation: Situation) -> Proposal:
        program, problem = self._part(situation) if situation.unfilled else self._whole(situation)
        by_label = shares(situation) if situation.measured else even_shares(situation.labels, situation.rows)
        plan: dict[str, Json] = {"skills": by_label}
        if changes := _changes(situation, problem):
            plan["changes"] = changes
        if problem and problem.text == gap(situation.answer).message:
            plan["unfilled"] = True  # the journal remembers it for the attempts to come
        parent = situation.earlier.id if situation.earlier else None
        return Proposal(situation.operation, plan, program, parent, problem)

    def _whole(self, situation: Situation) -> Written:
        room = self._model.context - self._model.max_tokens
        reply = self._model.question(SYSTEM, code_prompt(situation, room), attempt=situation.number)
        program, problem = extract(reply)
        return program, problem or empty(program, situation.answer)

    def _part(self, situation: Situation) -> Written:
        """The skeleton, or the program to improve on, with a list of the model's own in it."""
        wanted = gap(situation.answer)
        base = _base(situation, wanted)
        words, known = Words(self._model, situation), texts_in(base, wanted)
        found = words.styles(known, WANTED) if situation.answer == "label" else words.kinds(known, WANTED)
        if len(found) < LEAST:
            return base, _unfilled(wanted)
        return with_texts(base, wanted, [*texts_in(skeleton(situation.answer), wanted), *found]), None


def empty(program: str, answer: str) -> Problem | None:
    """What is wrong with a program whose place to fill is still empty, for a kind of answer; None where it is not."""
    return _unfilled(gap(answer)) if is_empty(program, gap(answer), skeleton(answer)) else None


def _unfilled(place: Gap) -> Problem:
    # no program of the engineer's is in its reply, and nothing has run that could have failed
    return Problem("code extraction failed", place.message)


def _base(situation: Situation, wanted: Gap) -> str:
    """The program that the list belongs into: the best one so far, or the skeleton."""
    earlier = situation.earlier.program if situation.earlier and situation.operation == "improve" else ""
    return earlier if texts_in(earlier, wanted) else skeleton(situation.answer)


def _changes(situation: Situation, problem: Problem | None) -> list[Json]:
    """What stands in `show --attempts`: which part is the engineer's, and whose wish it follows."""
    found: list[Json] = []
    if situation.unfilled and not problem:
        name = gap(situation.answer).name
        found.append({"what": f"only the list {name} is the engineer's", "why": "it had left that place empty"})
    if situation.notes:
        asked = "; ".join(situation.notes)
        found.append({"what": "the program was asked to follow a wish", "why": f"asked for by a person: {asked}"})
    return found
