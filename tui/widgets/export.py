"""What an export would be, how far one is, what came of it, and which ones stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from tui.exporting import QUANT_WORDS, TARGETS, Exports, Standing, bytes_words, export_name, job_name
from tui.text import clean, clean_block, duration
from tui.widgets.marks import ACCEPTED, FAINT, MUTED, REJECTED


def export_content(found: Exports, to: str, quant: str | None, now: float, width: int) -> Content:
    """All of the screen's text."""
    parts = _chosen(found, to, quant)
    if found.job:
        parts += [Content(""), *_job(found, now, width)]
    if found.standing:
        parts += [Content(""), Content.styled("exports that stand", MUTED), *map(_standing, found.standing)]
    return Content("\n").join(parts)


def _chosen(found: Exports, to: str, quant: str | None) -> list[Content]:
    parts = [Content.assemble((to, "bold"), (f"  {TARGETS[to]}", MUTED))]
    if quant:
        parts.append(Content.styled(QUANT_WORDS[quant], MUTED))
    if found.obstacle:
        return [*parts, Content.styled(found.obstacle, "$warning")]
    parts.append(Content.styled(f"into exports/{export_name(found.round, to, quant)} of the run's folder", MUTED))
    if not found.working:
        parts.append(Content.assemble(("enter", "bold $accent"), (": export", MUTED)))
    return parts


def _job(found: Exports, now: float, width: int) -> list[Content]:
    job, name = found.job, job_name(found.job)
    state = str(job.get("state"))
    took = duration(float(job.get("ended") or now) - float(job.get("started") or now))
    if state == "working":
        return [Content.assemble((f"● exporting {name}", "bold $accent"), (f"  {took}", MUTED)), *_bar(job, width)]
    if state == "done":
        return [Content.assemble((f"{ACCEPTED} {name} stands", "bold $success"), (f"  {took}", MUTED)), *_done(job)]
    word = "was stopped" if state == "stopped" else "did not work"
    parts = [
        Content.styled(f"{REJECTED} {name} {word}", "bold $error"),
        Content(clean_block(str(job["message"]), 4000)),
    ]
    if job.get("fix"):
        parts.append(Content.assemble(("Fix: ", "bold"), clean_block(str(job["fix"]), 1000)))
    if found.may_force:
        parts.append(Content.assemble(("f", "bold $accent"), (": write it all the same; its card says so", MUTED)))
    return parts


def _bar(job: Mapping[str, Any], width: int) -> list[Content]:
    done, total = int(job.get("done") or 0), int(job.get("total") or 0)
    words = clean(str(job.get("what")), 80)
    if total <= 1:
        return [Content.styled(words, MUTED)]
    room = max(8, min(40, width - 20))
    full = round(room * min(1.0, done / total))
    figures = (f"  {done} of {total}", MUTED)
    return [
        Content.styled(words, MUTED),
        Content.assemble(("━" * full, "$accent"), ("─" * (room - full), FAINT), figures),
    ]


def _done(job: Mapping[str, Any]) -> list[Content]:
    count = int(job.get("files") or 0)
    files = f"{count} file{'s' if count != 1 else ''}, {bytes_words(int(job.get('size') or 0))}, in"
    parts = [Content.assemble((files, MUTED), "\n", clean(str(job.get("folder")), 600))]
    if parity := job.get("parity"):
        mark, style = (ACCEPTED, "$success") if parity.get("passed") else (REJECTED, "$error")
        parts.append(Content.assemble((f"{mark} ", style), clean_block(str(parity.get("sentence")), 2000)))
    if created := job.get("created"):
        return [*parts, Content(f"Ollama has it as {clean(str(created), 80)}: ollama run {clean(str(created), 80)}")]
    if job.get("to") == "ollama":
        parts.append(Content.styled("no Ollama server answers; when one is up:", MUTED))
    return [*parts, *(Content(clean(str(line), 400).replace("`", "")) for line in job.get("usage") or ())]


def _standing(one: Standing) -> Content:
    words = {None: "", True: "the same student", False: "not the same student"}[one.passed]
    style = "$error" if one.passed is False else MUTED
    return Content.assemble("  ", one.name, (f"  {bytes_words(one.size)}  ", MUTED), (words, style))
