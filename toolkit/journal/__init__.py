"""The journal: one SQLite file that a run can be carried on, replayed and explained from."""

from toolkit.journal.reader import DATABASE, GIVEN, JournalReader, Record, RowFilter
from toolkit.journal.series import arms_beside
from toolkit.journal.writer import Journal

__all__ = ["DATABASE", "GIVEN", "Journal", "JournalReader", "Record", "RowFilter", "arms_beside"]
