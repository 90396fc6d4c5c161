"""What a run may spend, what it has spent, and how long the rest will take. All pure."""

from toolkit.budget.budget import Limits, Spent, early_stop, round_share, stop_reason
from toolkit.budget.forecast import Forecast, Pace, Spending, Work, forecast
from toolkit.budget.within import Size, parse_duration, shrink

__all__ = [
    "Forecast",
    "Limits",
    "Pace",
    "Size",
    "Spending",
    "Spent",
    "Work",
    "early_stop",
    "forecast",
    "parse_duration",
    "round_share",
    "shrink",
    "stop_reason",
]
