"""A language model as a scorer: it counts only where it agrees with a person."""

from toolkit.evaluation.judge.agreement import Agreement, measure
from toolkit.evaluation.judge.judge import Judge, Ruling
from toolkit.evaluation.judge.labels import LEAST_LABELS, Label, keep_labels, read_labels

__all__ = ["LEAST_LABELS", "Agreement", "Judge", "Label", "Ruling", "keep_labels", "measure", "read_labels"]
