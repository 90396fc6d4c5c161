"""The tables of `run.db`. One file holds everything that happened in a run.

Content goes in before it counts: a call's reply before a program sees it, a row before
it is trained on, an outcome before it enters a score. Times are seconds since the epoch.
"""

from __future__ import annotations

VERSION = 1

_ROWS_BY_TIME = "CREATE INDEX IF NOT EXISTS rows_by_time ON rows (at);"
_FURTHER_STEPS = """
-- steps of students that are no round's own: other training seeds, without a batch of the rows
CREATE TABLE IF NOT EXISTS further_steps (
    student TEXT NOT NULL, round INTEGER NOT NULL, step INTEGER NOT NULL, steps INTEGER NOT NULL, loss REAL NOT NULL,
    lr REAL NOT NULL, tokens_per_second REAL NOT NULL, at REAL NOT NULL, PRIMARY KEY (student, step));"""
_VERIFICATIONS = """
-- what data programs had verified, with the verdict; long texts are cut, the hash is that of the whole
CREATE TABLE IF NOT EXISTS verifications (
    hash TEXT PRIMARY KEY, attempt INTEGER NOT NULL, kind TEXT NOT NULL, answer TEXT NOT NULL,
    expected TEXT NOT NULL, more TEXT NOT NULL, agrees INTEGER NOT NULL, seconds REAL NOT NULL, at REAL NOT NULL);"""

ADDED = (_ROWS_BY_TIME, _FURTHER_STEPS, _VERIFICATIONS)
"""What journals of earlier versions lack, each a statement; readers have to do without."""

TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- what happened, in order, for people and screens
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, round INTEGER, data TEXT NOT NULL);

-- how long each stage took; an open end belongs to a stage that is running or was killed
CREATE TABLE IF NOT EXISTS stages (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, round INTEGER, started REAL NOT NULL, ended REAL,
    peak_memory_bytes INTEGER);

-- one data program and what became of it; parents make the attempts a tree
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY, parent INTEGER REFERENCES attempts, operation TEXT NOT NULL,
    program TEXT NOT NULL, plan TEXT NOT NULL, status TEXT NOT NULL, error_class TEXT, error TEXT,
    started REAL NOT NULL, ended REAL);

-- request hash -> reply; never asked twice
CREATE TABLE IF NOT EXISTS calls (
    hash TEXT PRIMARY KEY, role TEXT NOT NULL, model TEXT NOT NULL, attempt INTEGER, request TEXT NOT NULL,
    text TEXT NOT NULL, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, backend_id TEXT NOT NULL,
    seconds REAL NOT NULL, at REAL NOT NULL);

-- every row a program submitted, in order, with what the checks said of it
CREATE TABLE IF NOT EXISTS rows (
    attempt INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, input TEXT NOT NULL,
    output TEXT NOT NULL, skill TEXT NOT NULL, calls TEXT NOT NULL, meta TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('accepted', 'rejected', 'quarantined')),
    reason TEXT NOT NULL, detail TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (attempt, seq));
CREATE INDEX IF NOT EXISTS rows_by_status ON rows (status, reason);
{_ROWS_BY_TIME}
{_VERIFICATIONS}

-- one submission trained on, and scored
CREATE TABLE IF NOT EXISTS rounds (
    number INTEGER PRIMARY KEY, attempt INTEGER NOT NULL, arm TEXT NOT NULL, row_ids TEXT NOT NULL,
    adapter TEXT, decision TEXT, reason TEXT, started REAL NOT NULL, ended REAL);

CREATE TABLE IF NOT EXISTS training_steps (
    round INTEGER NOT NULL, step INTEGER NOT NULL, steps INTEGER NOT NULL, loss REAL NOT NULL, lr REAL NOT NULL,
    tokens_per_second REAL NOT NULL, at REAL NOT NULL, PRIMARY KEY (round, step));
{_FURTHER_STEPS}

-- student is 'zero-shot', 'few-shot' or 'round-N'
CREATE TABLE IF NOT EXISTS outcomes (
    student TEXT NOT NULL, split TEXT NOT NULL, item_id TEXT NOT NULL, answer TEXT NOT NULL,
    score REAL NOT NULL, skill TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (student, split, item_id));

CREATE TABLE IF NOT EXISTS artifacts (
    path TEXT PRIMARY KEY, kind TEXT NOT NULL, round INTEGER, sha256 TEXT NOT NULL, at REAL NOT NULL);

-- what a person asked of the run while it was going
CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, at REAL NOT NULL, text TEXT NOT NULL);

-- each time sealed items were read, and why
CREATE TABLE IF NOT EXISTS openings (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, split TEXT NOT NULL, reason TEXT NOT NULL);
"""
