"""Runs: the facade that the command line, the terminal UI and notebooks share."""

from toolkit.run.run import Run, RunSummary, Status

__all__ = ["Run", "RunSummary", "Status"]
