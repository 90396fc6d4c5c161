"""The loop of the paper (arXiv 2605.30407, Figure 2): the data is what gets better.

Every stage first takes what the journal already has. Carrying out a killed run again from
its start therefore does only what was not done: this function is also `resume`.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from toolkit.budget import stop_reason
from toolkit.engineer import open_engineer
from toolkit.evaluation.acceptance import Verdict
from toolkit.programs import library
from toolkit.stages.accept import accept
from toolkit.stages.evaluate import evaluate_baselines, evaluate_round
from toolkit.stages.exam import exam
from toolkit.stages.generate import generate, plan, submission_error
from toolkit.stages.progress import announce_forecast
from toolkit.stages.session import Session
from toolkit.stages.train import train


def carry_out(session: Session) -> Verdict | None:
    """Teach, measure, plan again; then sit the sealed exam once.

    Raises Paused at a safe point when a person asked for it, and SchoolhouseError when the
    teacher yields too little to train on at all.
    """
    settings = session.recipe.file.engineer
    engineer = open_engineer(settings.kind, library.source(settings.program))
    session.tick = partial(announce_forecast, session)
    session.tick()
    evaluate_baselines(session)

    best: int | None = None
    for number in count(1):
        if reason := stopped(session, number):
            session.journal.event("log", text=f"no further round: {reason}")
            break
        session.tick()
        proposal = plan(session, engineer, number, best)
        submission = generate(session, number, proposal)
        if len(submission) < session.recipe.file.budget.min_rows:
            if number == 1:
                raise submission_error(session, number)
            session.journal.event("log", text=submission_error(session, number).message)
            break
        adapter = train(session, number, submission)
        evaluate_round(session, number, adapter)
        best = accept(session, number, best)
        session.safe_point()

    return exam(session, best)


def stopped(session: Session, number: int) -> str | None:
    """Why round `number` must not begin. One that began before a crash is always finished."""
    if any(attempt["id"] == number for attempt in session.journal.attempts()):
        return None
    return stop_reason(session.limits, session.spent())
