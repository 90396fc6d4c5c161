"""The host of a data program: its allowance, its teacher, and the checks that its rows have to pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from toolkit.data.checks import RowChecks, RowLimits
from toolkit.data.embeddings import open_embedder
from toolkit.data.handwritten import Authors
from toolkit.engineer.tree import Record
from toolkit.evaluation.scorers import SCORERS, open_scorer
from toolkit.evaluation.scorers.sql import gives_rows
from toolkit.models.hf_folder import hf_folder
from toolkit.programs.arguments import BadArgument
from toolkit.programs.host import Allowance, ProgramHost
from toolkit.programs.trial import TrialHost
from toolkit.stages.session import Session
from toolkit.types import Item, Json, Row

Host = TypeVar("Host", bound=ProgramHost)
ALMOST = 1 - 1e-9

TOPIC_SHARE = 0.5
OPENING_SHARE = 0.2
"""Of a label task's rows. In rows of small teachers the commonest first three words have 3 to 6 %, in messages of
people 1 %: of 627 rows of two real runs no cap here turns one away. It is for the teacher that begins every
message in one way."""

LABEL_EXCESS = 2.0
"""No label has a share above so many times the largest planned one."""

BY_HAND_SHARE = 0.1
LONGEST, LONGEST_OF_OTHERS = 1000, 6000
"""Characters of an input or an output, for labels and for other answers: a database in a question is long."""

WITH_BRACKETS = ("sql", "python", "json", "call", "regex")
"""Kinds of answers whose questions may hold {name}, [name] or <name>."""

TEMPLATE_TOKENS = 48
"""What a chat template may add to a row, at most: turns, roles, a date. SmolLM2's adds 16."""


def host_of(session: Session, attempt: Record, kind: type[Host]) -> Host:
    """The host of an attempt; in a trial no row may be written by hand."""
    plan, file = attempt["plan"], session.recipe.file
    skills = {name: int(count) for name, count in plan["skills"].items()}
    room = int(plan["room"])
    return kind(
        attempt=attempt["id"],
        allowance=Allowance(int(plan["calls"]), skills, room, session.limits.seconds),
        journal=session.journal,
        teacher=session.teacher,
        checks=row_checks(session, attempt["id"], limits_of(session, skills, room)),
        temperature=file.teacher.temperature,
        clock=session.seconds,
        seed=file.teacher.seed,
        answer_passes=lambda row: passes(session, row),
        teacher_wrote=Authors(lambda call: _reply(session, call), session.data.seeds).wrote,
        by_hand=0 if kind is TrialHost else int(BY_HAND_SHARE * room),
        verify=partial(verified, report=session.note_once),
    )


def passes(session: Session, row: Row) -> bool:
    """Whether a row's answer is right by the task's own scorer; a student that learned any other would score 0."""
    item = Item(row.id, "seed", row.input, row.output, row.skill, row.meta)
    return session.scorer(item, row.output) > ALMOST


def verified(
    kind: str, answer: str, expected: str, more: Mapping[str, Json], report: Callable[[str], object] | None = None
) -> bool:
    """Whether a data program's answer is right by a scorer. Raises BadArgument for an unknown kind.

    A query that gives no row proves nothing: every query that finds nothing would agree with it.
    """
    if kind not in SCORERS:
        raise BadArgument(f"verify knows no {kind[:40]!r}, only {', '.join(SCORERS)}")
    if kind == "sql" and not gives_rows(str(more.get("schema") or ""), expected):
        return False
    return open_scorer(kind, report)(Item("verified", "seed", "", expected, "", more), answer) > ALMOST


def limits_of(session: Session, skills: Mapping[str, int], room: int) -> RowLimits:
    """How long, and how much alike, the rows of an attempt may be. The caps are mild: they stop what is out of hand."""
    answer, whole = session.recipe.file.task.answer, sum(skills.values())
    by_label = bool(session.data.labels) and whole > 0
    return RowLimits(
        length=LONGEST if answer == "label" else LONGEST_OF_OTHERS,
        tokens=_token_counter(session),
        most_tokens=session.recipe.file.train.max_length,
        topic_share=TOPIC_SHARE,
        label_share=min(1.0, LABEL_EXCESS * max(skills.values()) / whole) if by_label else None,
        opening_share=OPENING_SHARE if by_label else None,
        placeholders=answer in WITH_BRACKETS,
        rows=room,
    )


def row_checks(session: Session, attempt: int, limits: RowLimits | None = None) -> RowChecks:
    """The checks for an attempt: they know the recipe's examples and the rows of all valid attempts before it."""
    embed = open_embedder() if session.meanings else None  # a run keeps the checks that it began with
    checks = RowChecks(session.data.labels, session.firewall(), limits, embed)
    for label, texts in session.recipe.file.task.examples.items():
        for text in texts:
            checks.remember(Row(text, label))
    for earlier in session.journal.attempts():
        if earlier["id"] < attempt and earlier["status"] == "valid":
            for row in session.journal.accepted_rows(earlier["id"]):
                checks.remember(row)
    return checks


def _reply(session: Session, call: str) -> str:
    found = session.journal.answered(call)
    return found.text if found else ""


def _token_counter(session: Session) -> Callable[[Row], int] | None:
    """Tokens of a row as the student is trained on it, a little too many rather than too few.

    None where there are no weights to count with, as in a replay: nothing is trained there.
    """
    if not session.student_gguf.is_file():
        return None
    from tokenizers import Tokenizer

    path: Path = hf_folder(session.student_gguf, session.folder / "unpack.log") / "tokenizer.json"
    if not path.is_file():
        return None
    tokenizer = Tokenizer.from_file(str(path))
    prompts = session.prompts

    def tokens(row: Row) -> int:
        texts = [message["content"] for message in prompts.trained(row.input)]
        found = tokenizer.encode_batch([*texts, row.output], add_special_tokens=False)
        return TEMPLATE_TOKENS + sum(len(one.ids) for one in found)

    return tokens
