"""What a run may spend, what it has spent, and how long the rest will take. All pure."""

from toolkit.budget.budget import Limits, Spent, round_share, stop_reason
from toolkit.budget.forecast import Forecast, Pace, Work, forecast

__all__ = ["Forecast", "Limits", "Pace", "Spent", "Work", "forecast", "round_share", "stop_reason"]
