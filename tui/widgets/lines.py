"""Recipes, runs and the machine as the lines of Home."""

from __future__ import annotations

from textual.content import Content

from tui.machine import Health, Lacking
from tui.recipes import Takes
from tui.state import RecipeLine, RunLine
from tui.text import ago, clean, percent
from tui.weights import size
from tui.widgets.marks import ACCEPTED, MUTED, REJECTED, STATUS_MARKS

LOOP = "A teacher model writes lessons, a small student learns them, a sealed exam says whether it helped."


def recipe_prompt(recipe: RecipeLine, takes: Takes | None = None) -> Content:
    """A recipe as lines: its name, what it teaches or what is wrong with it, and how long it takes here."""
    name = Content.styled(clean(recipe.name, 64), "bold")
    if recipe.problem:
        return Content("\n").join([name, Content.styled(clean(recipe.problem, 200), "$error")])
    lines = [name, Content.styled(clean(recipe.about, 200), MUTED)]
    if takes:
        lines.append(Content.styled(takes.words, "$accent"))
    return Content("\n").join(lines)


def run_prompt(run: RunLine, now: float, keys: str = "") -> Content:
    """A run as lines: state and name; recipe, score and age; `keys` that do something with it now."""
    mark, style = STATUS_MARKS[run.status]
    score = percent(run.best) if run.best is not None else "no score yet"
    score = "verdict unread" if run.unread else score
    first = Content.assemble((f"{mark} ", style), (clean(run.name, 80), "bold"))
    recipe = "" if run.name.startswith(run.recipe) else f" · {clean(run.recipe, 40)}"
    words = f"{recipe} · {score} · {ago(now - run.started)}"
    second = Content.assemble("  ", (run.status, style), (words, MUTED))
    third = [Content.styled(f"  {keys}", "$accent")] if keys else []
    return Content("\n").join([first, second, *third])


def first_steps(recipe: RecipeLine | None, takes: Takes | None, lacking: tuple[Lacking, ...] | None) -> Content:
    """What a person does who has never run anything."""
    title = Content.styled("no runs yet", "bold")
    if recipe is None:
        return Content("\n").join([title, Content.styled("choose a recipe and press Enter", MUTED)])
    total = sum(one.size for one in lacking or ())
    begins = f"fetches {size(total)} of weights, once, then starts" if total else "starts"
    begins = "begins" if lacking is None else begins
    long = f" ({takes.words.partition(':')[0]})" if takes else ""
    lines = [
        title,
        Content(""),
        Content.assemble(("g ", "bold $accent"), f"{begins} the {clean(recipe.name, 40)}{long}:"),
        Content.styled(clean(recipe.about, 200), MUTED),
        Content.styled(LOOP, MUTED),
    ]
    return Content("\n").join(lines)


def machine_line(words: str, health: Health | None) -> Content:
    """The machine, and below it what `doctor` says; None while it is being looked at."""
    if health is None:
        state = Content.styled("  looking at what is installed …", MUTED)
    elif not health.findings:
        state = Content("")
    elif health.problems:
        state = Content.styled(f"{REJECTED} {health.sentence}; d: what to do", "$error")
    else:
        state = Content.assemble((f"{ACCEPTED} ", "$success"), health.sentence)
    return Content("\n").join([Content(words), state])
