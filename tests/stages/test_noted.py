"""What a run says in its log once, however often it comes up."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from toolkit.evaluation.scorers import SCORERS
from toolkit.journal import Journal
from toolkit.stages.hosting import verified
from toolkit.stages.session import Session


def test_a_scorer_that_fails_again_and_again_is_named_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCORERS, "number", lambda *_: 1 // 0)
    for _ in range(2):  # a run that is resumed says it no second time
        with Journal(tmp_path) as journal:
            report = partial(Session.note_once, cast(Session, SimpleNamespace(journal=journal)))
            assert not verified("number", "1", "1", {}, report)
            assert not verified("number", "2", "1", {}, report)
    with Journal(tmp_path) as journal:
        assert [event["data"]["text"] for event in journal.events() if event["kind"] == "log"] == [
            "the scorer 'number' failed over an answer (ZeroDivisionError); such answers score 0"
        ]
