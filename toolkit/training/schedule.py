"""How the learning rate goes over a training."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant"]


def learning_rate(step: int, steps: int, peak: float, warmup: float, schedule: str = "cosine") -> float:
    """The rate of a step, counted from 0.

    It rises in a line over the first `warmup` share of the steps; then it falls as a cosine or in a line
    towards zero, or stays.
    """
    rising = round(steps * warmup)
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    done = (step - rising) / max(1, steps - rising)
    if schedule == "constant":
        return peak
    return peak * (1 - done) if schedule == "linear" else peak * 0.5 * (1 + math.cos(math.pi * done))
