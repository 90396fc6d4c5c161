"""The report of a run, in Markdown and as a page."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from school import LABELS, School, lessons, read_items
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.run import Run
from toolkit.types import Request


def report(run: Run) -> str:
    result = CliRunner().invoke(app, ["report", str(run.folder), "--open=no"])
    assert result.output.split() == [str(run.folder / "report.html"), str(run.folder / "report.md")]
    return (run.folder / "report.md").read_text(encoding="utf-8")


def page(run: Run) -> str:
    return run.report().read_text(encoding="utf-8")


def test_the_report_says_what_was_found_and_on_what_evidence(school: School) -> None:
    run = school.run()
    text, verdict = report(run), run.summary()["verdict"]
    assert text.splitlines()[2] == f"**{verdict['sentence']}**"
    assert verdict["evidence"] in text
    for words in ("## Scores", "## By skill", "late_parcel", "MATS"):
        assert words in text
    assert "One training seed" in text and "opened once, for the exam" in text and "decided on 2 rounds" in text
    assert "Sentence embeddings were off" in text


def test_the_spread_over_seeds_is_in_it(school: School) -> None:
    text = report(school.run(train={"seeds": 2}, budget={"rounds": 1}))
    assert "over 2 training seeds" in text and "| round-1-seed-1 |" in text


def test_what_was_rejected_has_its_reason_and_no_markup_of_its_own(school: School) -> None:
    def teacher(request: Request) -> str:
        return re.sub(r"^1\. .*", "1. my order <b>{order_id}</b> | is `late` [x](y)", lessons(request))

    school.teacher = teacher
    text = report(school.run())
    (line,) = [line for line in text.splitlines() if line.startswith("| looks_like_template")]
    assert "a placeholder was left in the text" in line
    assert "<b>" not in line and "[x](y)" not in line
    assert len(re.findall(r"(?<!\\)\|", line)) == 5, "the row has its four cells"


def test_a_leaked_text_is_not_printed(school: School) -> None:
    run = school.begin()
    leaked = (run.folder / "data" / "private.jsonl").read_text().split('"input": "')[1].split('"')[0]
    school.teacher = lambda request: re.sub(r"^1\. .*", f"1. {leaked}", lessons(request))
    run.carry_out()
    text = report(run)
    assert "| leak |" in text and "exact 1.00 to private item" in text
    assert leaked not in text


def test_before_the_exam_there_is_a_report_too(school: School) -> None:
    run = school.begin()
    text = report(run)
    assert "no verdict yet" in text and "not opened" in text
    assert not re.search(r"canary\d", text)


# -- the page ------------------------------------------------------------------------------------

HOSTILE = "</text></svg><script>alert(1)</script> <img src=x onerror=alert(2)> \u202e \x1b]8;;http://x\x07 {{ 7 * 7 }}"


class Tags(HTMLParser):
    """Which tags and attributes a page really has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass


def hostile(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teacher and student write what should never become markup."""

    def answers(prompts: Sequence[Any], trained: bool) -> Iterator[tuple[int, str]]:
        known = {item["input"]: item["output"] for item in read_items(school.folder)}
        for index, messages in enumerate(prompts):
            right = trained and random.Random(messages[-1]["content"]).random() < 0.8
            yield index, known[messages[-1]["content"]] if right else HOSTILE

    monkeypatch.setattr(school, "answers", answers)
    school.teacher = lambda request: re.sub(r"^1\. .*", f"1. {HOSTILE}", lessons(request))


def test_the_page_needs_nothing_but_itself(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(school, monkeypatch)
    text = page(school.run(train={"seeds": 2}))
    found = Tags(text).found
    names = {name for name, _ in found}
    assert names.isdisjoint({"script", "img", "iframe", "object", "embed", "link", "a", "form", "base"})
    for _, attributes in found:
        assert not {"src", "href", "onerror", "onload", "srcset", "style"} & attributes.keys()
    assert "url(" not in text and "@import" not in text
    policy = next(tag for tag in found if tag[1].get("http-equiv") == "Content-Security-Policy")
    assert policy[1]["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text


def test_what_models_wrote_stays_text(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile(school, monkeypatch)
    run = school.run()
    for text in (page(run), (run.folder / "report.md").read_text(encoding="utf-8")):
        assert "<script" not in text and "<img" not in text
        assert "\u202e" not in text and "\x1b" not in text and "\x07" not in text
        assert "49" not in [word for word in text.split() if "7 * 7" in word]
    assert "&lt;script&gt;" in page(run)


def test_the_page_has_the_verdict_every_plot_and_how_to_repeat_it(school: School) -> None:
    run = school.run(train={"seeds": 2})
    text, summary = page(run), run.summary()
    assert summary["verdict"]["sentence"] in text.replace("&#39;", "'")
    for title in (
        "Scores by round",
        "By skill",
        "From calls to trained rows",
        "Diversity of",
        "What was taken for what",
    ):
        assert title in text
    assert len([1 for name, _ in Tags(text).found if name == "svg"]) == 5
    for words in ("over 2 training seeds", "p corrected", "(Holm)", "schoolhouse run FOLDER", "recipe.yaml"):
        assert words in text
    assert run.reader.meta("fingerprint") in text
    assert run.reader.meta("versions")["python"] in text
    assert "could be seen in four of five cases" in text, "54 items are few"


def test_before_the_exam_the_page_shows_nothing_sealed(school: School) -> None:
    run = school.begin()
    assert "no verdict yet" in page(run)
    assert not re.search(r"canary\d", page(run))


def test_the_figures_of_the_plots_are_those_of_the_run(school: School) -> None:
    from toolkit.run.report.facts import OTHER, Facts

    facts = Facts(school.run())
    wanted = {outcome.item_id: outcome for outcome in facts.run.outcomes("round-1", "private")}
    assert facts.student == "round-1" and facts.split == "private"
    mixed = facts.confusions
    assert mixed and set(mixed.labels) == set(LABELS) and OTHER not in mixed.answers
    assert sum(mixed.counts.values()) == len(wanted)
    right = sum(count for (name, answer), count in mixed.counts.items() if name == answer)
    assert right == sum(outcome.score for outcome in wanted.values())
    assert [count for _, count in facts.funnel][1:4] == [len(facts.reader.rows()), 24, 24]
    assert facts.funnel[-1] == ("rows that round-1 was trained on", 12)


def test_a_browser_opens_only_where_it_can(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("toolkit.cli.report.webbrowser.open", opened.append)
    run = school.begin()
    for choice in ("auto", "no"):
        CliRunner().invoke(app, ["report", str(run.folder), f"--open={choice}"])
    assert opened == [], "there is no terminal here"
    CliRunner().invoke(app, ["report", str(run.folder), "--open=yes"])
    assert opened == [(run.folder / "report.html").resolve().as_uri()]
    result = CliRunner().invoke(app, ["report", str(run.folder), "--open=maybe"])
    assert "write one of auto, yes, no" in str(result.exception)


def test_arms_lineage_and_what_batches_were_worth_are_in_it(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.run.arms import begin_series, next_arm

    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(school.folder / "runs"))
    first = begin_series(school.recipe(), ["iterative", "one-shot"])
    first.carry_out()
    assert "<h2>Arms</h2>" not in page(first), "the other arm is not there yet"
    second = next_arm(first)
    assert second
    second.carry_out()
    worth = first.leave_out("label=late_parcel")["sentence"]
    html = page(first)
    for text in (html.replace("−", "-"), (first.folder / "report.md").read_text().replace("−", "-")):
        assert "iterative - one-shot" in text and "From rows to scores" in text
        assert "of attempt 1 (draft)" in text and worth.split(":")[0] in text
        assert "not shown to be caused by" in " ".join(text.split())
