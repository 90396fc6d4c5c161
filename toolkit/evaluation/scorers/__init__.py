"""Scorers: pure functions from an item and an answer to a score between 0 and 1, one file for each kind."""

from toolkit.evaluation.scorers.call import call
from toolkit.evaluation.scorers.choice import choice
from toolkit.evaluation.scorers.json_answer import json_equal, json_fields
from toolkit.evaluation.scorers.label import contains, exact_label
from toolkit.evaluation.scorers.number import number
from toolkit.evaluation.scorers.pattern import pattern
from toolkit.evaluation.scorers.python_tests import python_tests
from toolkit.evaluation.scorers.scorer import Scorer
from toolkit.evaluation.scorers.sql import sql
from toolkit.evaluation.scorers.table import SCORERS, guarded, open_scorer

__all__ = [
    "SCORERS",
    "Scorer",
    "call",
    "choice",
    "contains",
    "exact_label",
    "guarded",
    "json_equal",
    "json_fields",
    "number",
    "open_scorer",
    "pattern",
    "python_tests",
    "sql",
]
