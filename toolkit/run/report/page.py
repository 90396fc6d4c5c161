"""The report as one HTML page: no script, no other file, nothing from the network.

What models and people wrote is text, never markup: the template escapes everything, control
and direction characters are taken out, and the page's own policy lets no script run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from toolkit.evaluation.statistics import score_of
from toolkit.journal import Record
from toolkit.run.report import plots
from toolkit.run.report.facts import Facts
from toolkit.run.report.markdown import LICENCE_OF_ROWS, REASONS
from toolkit.run.report.text import clean, lesson_size, p_value, percent
from toolkit.types import Score

DIVERSITY: dict[str, Callable[[Record], float]] = {
    "Vendi score a row": lambda found: found["card"]["vendi_share"],
    "different 3-word runs": lambda found: found["card"]["distinct"][2],
    "near-duplicates": lambda found: found["card"]["near_duplicate_rate"],
}


def page(facts: Facts) -> str:
    """The whole HTML page."""
    return _template().render(
        facts=facts,
        s=facts.summary,
        recipe=facts.recipe.file,
        recipe_text=facts.recipe.dump().rstrip(),
        fingerprint=facts.reader.meta("fingerprint", ""),
        versions=facts.reader.meta("versions") or {},
        written=time.strftime("%Y-%m-%d %H:%M"),
        spread=(facts.summary["verdict"] or {}).get("spread"),
        plots=_plots(facts),
        reasons=REASONS,
        licence_of_rows=LICENCE_OF_ROWS,
        total_seconds=sum(facts.summary["seconds"].values()),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("toolkit.run.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters.update(
        score=_score, points=_points, p=p_value, percent=percent, duration=_duration, lesson_size=lesson_size
    )
    return environment.get_template("report.html.jinja")


def _plots(facts: Facts) -> dict[str, Markup]:
    """The plots that this run has figures for."""
    found = {"funnel": plots.funnel(facts.funnel)}
    if facts.summary["rounds"] or any(score.n for score in _levels(facts).values()):
        found["scores"] = _scores(facts)
    if facts.skills and facts.student:
        found["skills"] = plots.skill_dots(facts.skills, (facts.student, f"{facts.rival}, untrained"))
    if facts.cards:
        places = [f"round {number}" for number in facts.cards]
        series = {name: [float(of(card)) for card in facts.cards.values()] for name, of in DIVERSITY.items()}
        found["diversity"] = plots.trend(places, series, "Diversity of each round's new rows, %")
    if (mixed := facts.confusions) and len(mixed.labels) <= plots.MOST_CLASSES:
        found["confusion"] = plots.confusion(mixed.labels, mixed.counts, mixed.answers)
    return found


def _scores(facts: Facts) -> Markup:
    rounds = [found["round"] for found in facts.summary["rounds"]]
    places = [f"round {number}" for number in rounds] if len(rounds) <= 6 else [str(number) for number in rounds]
    series: dict[str, list[plots.Point]] = {}
    for split in ("gate", "public", "probe"):
        scored = [(place, facts.score(f"round-{number}", split)) for place, number in zip(places, rounds, strict=True)]
        series[split] = [(place, score) for place, score in scored if score.n]
    if facts.examined and facts.student:
        series["sealed exam"] = [(plots.EXAM, facts.score(facts.student, "private"))]
        series[f"{facts.rival}, untrained"] = [(plots.EXAM, facts.score(facts.rival, "private"))]
        places = [*places, plots.EXAM]
    levels = {f"{name} on gate": score.value for name, score in _levels(facts).items() if score.n}
    return plots.scores_by_round(places, series, levels)


def _levels(facts: Facts) -> dict[str, Score]:
    return {name: score_of(facts.run.outcomes(name, "gate")) for name in facts.summary["baselines"]}


def _score(found: dict[str, Any] | Score | None) -> str:
    """A score with its interval and its number of items; nothing without items."""
    if found is None:
        return ""
    value = found.to_json() if isinstance(found, Score) else found
    if not value["n"]:
        return ""
    return f"{percent(value['score'])} [{100 * value['low']:.1f}, {100 * value['high']:.1f}] n = {value['n']}"


def _points(found: dict[str, Any]) -> str:
    """A difference with its interval, in points."""
    return f"{100 * found['difference']:+.1f} [{100 * found['low']:+.1f}, {100 * found['high']:+.1f}]"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
