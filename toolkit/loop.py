"""The loop of the paper (arXiv 2605.30407, Figure 2): the data is what gets better.

Every stage first takes what the journal already has. Carrying out a killed run again from
its start therefore does only what was not done: this function is also `resume`.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from toolkit.evaluation.verdict import Verdict
from toolkit.stages.accept import accept
from toolkit.stages.attempts import ends_before, submission, submission_error
from toolkit.stages.evaluate import evaluate_baselines, evaluate_round
from toolkit.stages.exam import exam
from toolkit.stages.hire import hire
from toolkit.stages.human import human_submission
from toolkit.stages.progress import announce_forecast
from toolkit.stages.session import Session
from toolkit.stages.train import train


def carry_out(session: Session) -> Verdict | None:
    """Teach, measure, plan again; then sit the sealed exam once.

    Raises Paused at a safe point when a person asked for it, and SchoolhouseError when the
    teacher yields too little to train on at all.
    """
    session.tick = partial(announce_forecast, session)
    session.tick()
    evaluate_baselines(session)
    engineer = hire(session)

    best: int | None = None
    for number in count(1):
        if ends_before(session, number):  # a budget is spent, the target is met, or a plateau is reached
            break
        session.tick()
        # draft, debug, repair or improve, until enough rows are valid; or the rows that people wrote
        attempt = human_submission(session, number) if session.human else submission(session, engineer, number, best)
        if attempt is None:
            if number == 1:
                raise submission_error(session)
            session.journal.event("log", text=submission_error(session).message)
            break
        adapter = train(session, number, attempt)
        evaluate_round(session, number, adapter)
        best = accept(session, number, best)
        session.safe_point()

    session.release()  # a round that was given up leaves the teacher loaded
    return exam(session, best)
