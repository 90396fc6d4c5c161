"""Both forms of the report, written into the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.paths import write_text

if TYPE_CHECKING:
    from toolkit.run.run import Run

HTML, MARKDOWN = "report.html", "report.md"


def write_report(run: Run) -> Path:
    """Write `report.md` and `report.html` into the run's folder; returns the path of the latter.

    A run that is going on gets what it has so far. Nothing in it comes from the sealed items before the exam,
    and afterwards only scores and the student's answers by label.
    """
    from toolkit.run.report.facts import Facts
    from toolkit.run.report.markdown import markdown
    from toolkit.run.report.page import page

    facts = Facts(run)
    write_text(run.folder / MARKDOWN, markdown(facts))
    write_text(run.folder / HTML, page(facts))
    return run.folder / HTML
