"""Rows of Parquet files and hub data sets, through `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.data.records import Record
from toolkit.errors import DataError
from toolkit.paths import cache_dir


def read_parquet(path: Path) -> Iterator[Record]:
    """Rows of a Parquet file; nothing touches the network."""
    datasets = _library()
    try:
        table = datasets.Dataset.from_parquet(str(path), cache_dir=_cache())
    except Exception as error:  # pyarrow and datasets raise many kinds
        raise DataError(f"not Parquet: {_first_line(error)}", "write it again, or use CSV", path=path) from None
    yield from _rows(table, str(path))


def read_hub(name: str) -> dict[str, list[Record]]:
    """The rows of a hub data set (`owner/name` or `owner/name:config`), by its own split names."""
    datasets = _library()
    path, _, config = name.partition(":")
    try:
        with _offline_if_unreachable(datasets):
            found = datasets.load_dataset(path, config or None, cache_dir=_cache())
    except Exception as error:  # network, unknown name, unknown config, no rights: all are said in its own words
        message = f"neither a file or folder nor a hub data set that can be read: {_first_line(error)}"
        fix = "check the name and the network, or download it and give the folder: --set data.path=DIR"
        raise DataError(message, fix, path=name, key="data.path") from None
    return {split: list(_rows(table, f"{name}/{split}")) for split, table in found.items()}


def _rows(table: Any, source: str) -> Iterator[Record]:
    """Rows with class numbers written out as their names."""
    names = {column: feature.names for column, feature in table.features.items() if hasattr(feature, "names")}
    for values in table:
        for column, labels in names.items():
            number = values[column]
            values[column] = labels[number] if number is not None and number >= 0 else None
        yield Record(source, None, values)


def _library() -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import datasets

    datasets.disable_progress_bars()
    return datasets


@contextmanager
def _offline_if_unreachable(datasets: Any) -> Iterator[None]:
    """Without a hub nothing waits for retries, and what is in the cache still loads."""
    import httpx
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    try:
        httpx.head(constants.ENDPOINT, timeout=5)
    except httpx.HTTPError:  # both libraries read the environment only once, when they are imported
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = before


def _cache() -> str:
    return str(cache_dir() / "datasets")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
