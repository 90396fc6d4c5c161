"""The report of a run: one self-contained HTML page, and the same in Markdown."""

from toolkit.run.report.write import HTML, MARKDOWN, write_report

__all__ = ["HTML", "MARKDOWN", "write_report"]
