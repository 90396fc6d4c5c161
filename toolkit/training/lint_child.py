"""The lint's child process: it loads a tokenizer, and encodes rows as the torch trainer does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from toolkit.errors import TrainingError
from toolkit.models.torch_model import load_tokenizer
from toolkit.process import Emit, child_main
from toolkit.training.encode import Encoded, encode_row
from toolkit.training.lint import Finding, LintReport, lint, stop_ids


def examine(job: dict[str, Any]) -> LintReport:
    """The report; a row that cannot be encoded at all is a finding, and the other rows are looked at."""
    folder, rows = Path(job["model"]), job["rows"]
    tokenizer = load_tokenizer(folder)
    kept: list[Any] = []
    encoded: list[Encoded] = []
    refused: list[Finding] = []
    for number, row in enumerate(rows, 1):
        try:
            encoded.append(encode_row(tokenizer, row, number))
            kept.append(row)
        except TrainingError as error:
            refused.append(Finding("template", error.message, error.fix))
    report = lint(tokenizer, kept, encoded, stop_ids(tokenizer, folder), job["settings"], job["show"])
    return replace(report, findings=(*refused[:1], *report.findings))


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    emit({"event": "report", **asdict(examine(next(messages)))})
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
