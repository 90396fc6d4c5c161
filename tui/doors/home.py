"""What Home asks: how long recipes take here, what they lack, and what `doctor` says of this machine."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui.doors.child import ChildDoor
from tui.machine import Health, Lacking, findings_of
from tui.recipes import Takes
from tui.state import RecipeLine

FILE = "doctor.json"
FRESH = 86_400.0
"""Seconds for which findings without a problem are believed."""


class HomeDoor(ChildDoor):
    """Every method may block."""

    def takes(self, recipes: Sequence[RecipeLine]) -> dict[str, Takes]:
        """How long a run of each recipe takes here: what its newest finished run took, else the forecast."""
        from toolkit.errors import RecipeError
        from toolkit.recipe import load_recipe
        from toolkit.stages.progress import forecast_before

        known, found = _earlier(), {}
        for line in recipes:
            with suppress(RecipeError):
                recipe = load_recipe(line.path)
                earlier = known.get(recipe.fingerprint)
                found[line.name] = earlier or Takes(tuple(forecast_before(recipe).stages.items()))
        return found

    def lacking(self, recipe: RecipeLine) -> tuple[Lacking, ...]:
        """The weights that a run of the recipe needs and that are not here. Raises RecipeError."""
        from toolkit.models.weights import present
        from toolkit.recipe import load_recipe
        from toolkit.run.worker import weights_of

        needed = dict.fromkeys(weights_of(load_recipe(recipe.path)))
        return tuple(Lacking(name, _size(name)) for name in needed if not present(name))

    def health(self, again: bool = False) -> Health:
        """What `doctor` finds, in a process of its own; a good result is kept for a day. Raises SchoolhouseError.

        Args:
            again: examine now.
        """
        kept = None if again else _kept()
        if kept and not kept.problems:
            return kept
        output = self.command("doctor", "--json")
        if not output:
            return Health()
        found = Health(findings_of(json.loads(output)), time.time())
        _keep(output, found.at)
        return found


def _earlier() -> dict[str, Takes]:
    """Recipe's fingerprint -> what its newest finished run took."""
    from toolkit.run import Run
    from toolkit.stages.progress import stage_seconds

    found: dict[str, Takes] = {}
    for line in reversed(Run.list()):  # the newest comes last, and counts
        if line.status != "finished":
            continue
        reader = Run(line.folder).reader
        fingerprint = str(reader.meta("fingerprint", ""))
        runs = found[fingerprint].runs if fingerprint in found else 0
        found[fingerprint] = Takes(tuple(stage_seconds(reader).items()), runs + 1)
        reader.close()
    return found


def _size(name: str) -> int:
    from toolkit.errors import ModelError
    from toolkit.models.catalog import entry

    try:
        return entry(name).size
    except ModelError:
        return 0


def _path() -> Path:
    from toolkit.paths import cache_dir

    return cache_dir() / FILE


def _kept() -> Health | None:
    """What was found not long ago by this very interpreter."""
    try:
        kept: Mapping[str, Any] = json.loads(_path().read_text(encoding="utf-8"))
        if kept["python"] != sys.executable or not 0 <= time.time() - kept["at"] < FRESH:
            return None
        return Health(findings_of(kept["findings"]), float(kept["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(output: str, at: float) -> None:
    from toolkit.paths import write_text

    with suppress(OSError):  # a cache that cannot be written is no reason to fail
        kept = {"at": at, "python": sys.executable, "findings": json.loads(output)}
        write_text(_path(), json.dumps(kept, indent=1))
