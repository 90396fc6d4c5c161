"""Journaled rows for other tools."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset


def as_dataset(records: Iterable[Mapping[str, Any]]) -> Dataset:
    """Records as a `datasets.Dataset`; `meta` becomes JSON text, since its keys differ from row to row."""
    from datasets import Dataset

    return Dataset.from_list([{**record, "meta": json.dumps(record.get("meta", {}))} for record in records])
