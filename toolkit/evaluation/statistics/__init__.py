"""Scores with their uncertainty, comparisons, and what a number of items can show."""

from toolkit.evaluation.statistics.intervals import score_of, wilson
from toolkit.evaluation.statistics.many import Spread, holm, spread
from toolkit.evaluation.statistics.paired import Method, Paired, paired
from toolkit.evaluation.statistics.power import DISCORDANT, detectable_difference, in_words, items_needed
from toolkit.evaluation.statistics.resampling import bootstrap_interval, clustered_error, sign_flip_p

__all__ = [
    "DISCORDANT",
    "Method",
    "Paired",
    "Spread",
    "bootstrap_interval",
    "clustered_error",
    "detectable_difference",
    "holm",
    "in_words",
    "items_needed",
    "paired",
    "score_of",
    "sign_flip_p",
    "spread",
    "wilson",
]
