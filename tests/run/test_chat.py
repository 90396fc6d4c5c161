"""`chat` asks as the run asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from school import LABELS, School

from toolkit.cli.chat import talk
from toolkit.errors import JournalError
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.run import Run
from toolkit.types import Message


def test_prompts_and_lengths_are_those_of_the_run(
    school: School, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Sequence[Message], dict[str, Any]]] = []

    class Noting:
        def answer(self, prompts: Sequence[Sequence[Message]], **how: Any) -> Iterator[tuple[int, str]]:
            asked.append((prompts[0], how))
            yield 0, "late_parcel"

        def close(self) -> None:
            return

    used = list(LABELS)[:2]
    run = school.begin(data={"labels": 2}, student={"model": "student.gguf", "max_new_tokens": 7})
    monkeypatch.setattr(type(run), "student", lambda self, *_, **__: Noting())
    talk(str(run.folder), "where is it?")
    prompts = TaskPrompts("Classify.", {label: LABELS[label] for label in used}, "label")
    assert [prompt for prompt, _ in asked] == [prompts.zero_shot("where is it?"), prompts.trained("where is it?")]
    assert [how["max_new_tokens"] for _, how in asked] == [7, 7]
    assert "trained student  late_parcel" in capsys.readouterr().out


def test_a_run_that_was_copied_without_its_weights_says_so() -> None:
    run = Run(Path(__file__).parent.parent / "data" / "recorded-run")
    with pytest.raises(JournalError, match="without its trained weights") as refused:
        run.student(trained=True)
    assert "schoolhouse run quickstart" in refused.value.fix
