"""A whole plan in one question, for a model that is fit for it: shares, words, and a reason for each.

What it says is checked as the answers to narrow questions are. Half of the rows stay evenly spread whatever it
says, so that no label is starved; an answer that is of no use leaves the narrow questions to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolkit.engineer.bandit import EVEN_SHARE
from toolkit.engineer.engineer import Situation
from toolkit.engineer.feedback import evidence, feedback, what_happened
from toolkit.engineer.lesson_plan import Change, LessonPlan
from toolkit.engineer.plan import even_shares, largest_remainders, with_wishes
from toolkit.engineer.words import Words
from toolkit.types import Json

MOST_STYLES, MOST_PERSONAS, MOST_TOPICS = 8, 4, 3
TOKENS_OF_A_LABEL = 90
TOKENS_OF_THE_REST = 300


class _About(BaseModel):
    model_config = ConfigDict(extra="ignore")
    label: str
    share: int = Field(ge=0, le=100)
    hint: str = ""
    topics: list[str] = []
    why: str = ""


class _Whole(BaseModel):
    model_config = ConfigDict(extra="ignore")
    labels: list[_About]
    styles: list[str] = []
    personas: list[str] = []


def whole_plan(situation: Situation, words: Words, narrow: LessonPlan) -> LessonPlan | None:
    """The model's plan, where it says one that can be used; None where it does not.

    Args:
        narrow: the plan without the model's words: what this one leaves out is kept from it.
    """
    try:
        said = _Whole.model_validate(words.whole(_lines(situation, narrow), _schema(situation), _tokens(situation)))
    except ValidationError:
        said = None
    known = {one.label: one for one in said.labels if one.label in situation.labels} if said else {}
    if said is None or not any(one.share for one in known.values()):
        words.dropped["whole plan"] += 1
        return None
    hints = {label: one.hint.strip() for label, one in known.items() if words.useful(one.hint)}
    topics = {label: found for label, one in known.items() if (found := words.of_use(one.topics)[:MOST_TOPICS])}
    styles = words.of_use(said.styles)[:MOST_STYLES]
    skills = _shares(situation, known)
    return narrow.model_copy(
        update={
            "skills": skills,
            "styles": _styles(situation, styles, narrow),
            "personas": words.of_use(said.personas)[:MOST_PERSONAS] or narrow.personas,
            "hints": {**narrow.hints, **hints},
            "topics": {**narrow.topics, **topics},
            "changes": [*narrow.changes, *_changes(situation, known, skills)],
            "dropped": dict(+words.dropped),
        }
    )


def _styles(situation: Situation, new: list[str], narrow: LessonPlan) -> list[str]:
    """The model's styles before the others; a person's wishes come after the merge, as every third one."""
    plain = [style for style in narrow.styles if style not in situation.notes]
    return with_wishes(list(dict.fromkeys([*new, *plain])), situation.notes)


def _lines(situation: Situation, narrow: LessonPlan) -> list[str]:
    """What the model may know: the task, results as far as the recipe allows, the plan so far, a person's wishes."""
    return [
        f"The messages: {situation.about}",
        "Labels:",
        *(f"- {label}: {meaning or label.replace('_', ' ')}" for label, meaning in situation.labels.items()),
        *filter(None, [feedback(situation)]),
        *_before(situation),
        f"The teacher will write {situation.rows} messages. Styles so far: {'; '.join(narrow.styles)}.",
        *(f"A person asks: {note}" for note in situation.notes),
        "Plan them: for each label its share of the messages in per cent (more where the student is weak), a hint that"
        f" tells it apart from its neighbours, up to {MOST_TOPICS} concrete topics, and why, citing a score and its"
        f" interval; then up to {MOST_STYLES} styles and {MOST_PERSONAS} kinds of people who write.",
    ]


def _before(situation: Situation) -> list[str]:
    """What became of the attempt that this one starts from, so that it does not fail in the same way."""
    told = what_happened(situation.earlier) if situation.earlier else ""
    failed = bool(situation.earlier and situation.earlier.problem)
    return [f"The attempt before {'failed' if failed else 'lost rows'}:\n{told}"] if told else []


def _schema(situation: Situation) -> dict[str, Json]:
    def texts(most: int) -> Json:
        return {"type": "array", "items": {"type": "string", "maxLength": 80}, "maxItems": most}

    about: dict[str, Json] = {
        "label": {"enum": list(situation.labels)},
        "share": {"type": "integer", "minimum": 0, "maximum": 100},
        "hint": {"type": "string", "maxLength": 140},
        "topics": texts(MOST_TOPICS),
        "why": {"type": "string", "maxLength": 140},
    }
    one: Json = {"type": "object", "properties": about, "required": list(about)}
    listed: Json = {"type": "array", "items": one, "minItems": 1, "maxItems": len(situation.labels)}
    properties: dict[str, Json] = {"labels": listed, "styles": texts(MOST_STYLES), "personas": texts(MOST_PERSONAS)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _tokens(situation: Situation) -> int:
    return TOKENS_OF_A_LABEL * len(situation.labels) + TOKENS_OF_THE_REST


def _shares(situation: Situation, known: dict[str, _About]) -> dict[str, int]:
    """Rows by label: half of them even, the other half as the model says."""
    even = round(situation.rows * EVEN_SHARE)
    floor = even_shares(situation.labels, even)
    wanted = {label: float(known[label].share if label in known else 0) for label in situation.labels}
    on_top = largest_remainders(wanted, situation.rows - even)
    return {label: floor[label] + on_top[label] for label in situation.labels}


def _changes(situation: Situation, known: dict[str, _About], skills: dict[str, int]) -> Iterator[Change]:
    """The labels whose share was moved; the model's reason stands beside the measured score, never instead of it."""
    even = even_shares(situation.labels, situation.rows)
    for label in situation.labels:
        if skills[label] == even[label]:
            continue
        report = situation.skills.get(label)
        measured = evidence(label, report) if report and report.n else "not measured yet"
        reason = (known[label].why.strip() if label in known else "") or "no reason given"
        yield Change(what=f"{label}: {skills[label]} rows, an even share is {even[label]}", why=f"{measured}; {reason}")
