"""A set of weights as a line of the catalog, and in full."""

from __future__ import annotations

from textual.content import Content

from tui.text import clean
from tui.weights import Fit, ModelLine, memory_lines, size
from tui.widgets.marks import ACCEPTED, MUTED, REJECTED
from tui.widgets.progress import Fetched, bar

FIT_MARKS: dict[Fit, tuple[str, str]] = {
    "fits": (ACCEPTED, "$success"),
    "tight": ("~", "$warning"),
    "too large": (REJECTED, "$error"),
}
NOT_MEASURED = "not measured yet; p: what it is fit for, in about two minutes"


def model_prompt(model: ModelLine, progress: Fetched | None = None) -> Content:
    """Name and whether it is here, then what it is, and how far a fetch is."""
    mark, words, style = (ACCEPTED, "here", "$success") if model.here else ("○", "not here", MUTED)
    if model.on_server:
        words = "on a server"
    if progress:
        mark, words, style = "●", "on its way", "$accent"
    fits = "" if model.fits else "  too large for this memory"
    first = Content.assemble(
        (f"{mark} ", style), (clean(model.name, 60), "bold"), (f"  {words}", style), (fits, "$error")
    )
    lines = [first, Content.styled(f"  {_facts(model)}", MUTED)]
    if progress:
        lines.append(bar(progress))
    elif model.sources:
        lines.append(Content.styled(f"  from {clean(', '.join(model.sources))}", MUTED))
    return Content("\n").join(lines)


def _facts(model: ModelLine) -> str:
    if model.on_server:
        return f"measured with a context of {model.context} tokens"
    facts = f"{size(model.size)} · {model.parameters / 1e9:.2g} B parameters · {model.context} tokens"
    return f"{facts} · {clean(model.licence, 40)}"


def model_content(model: ModelLine, *, measuring: bool = False) -> Content:
    """What fits in memory, and what was measured."""
    lines = [Content.styled(clean(model.name, 80), "bold $primary")]
    if found := memory_lines(model):
        total, free = size(model.memory.total), size(model.memory.free)
        lines += [Content(""), Content.assemble(("Memory  ", "bold"), (f"{total} here, {free} free now", MUTED))]
        lines += [Content.assemble((f"{FIT_MARKS[fit][0]} ", FIT_MARKS[fit][1]), words) for words, fit in found]
    lines += [Content(""), Content.styled("What it is fit for", "bold")]
    if measuring:
        lines.append(Content.styled("being measured: some dozens of small questions, about two minutes …", "$accent"))
    elif model.probe:
        lines += [_probe_line(line) for line in model.probe]
    else:
        lines.append(Content.styled(NOT_MEASURED if model.here else "not measured yet; fetch it first (Enter)", MUTED))
    return Content("\n").join(lines)


def _probe_line(line: str) -> Content:
    """Figures are plain, headings bold."""
    return Content(line) if line.startswith(" ") else Content.styled(line, "bold" if line.endswith(":") else MUTED)
