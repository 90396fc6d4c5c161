"""What tokens cost, from a table that a person can edit."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import RecipeError
from toolkit.models.chat import split_name
from toolkit.models.server import parse_address

FILE = "prices.toml"
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None

    def of(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Dollars for so many tokens; `cached` is a part of `prompt`."""
        reduced = self.input if self.cached is None else self.cached
        return ((prompt - cached) * self.input + cached * reduced + completion * self.output) / MILLION


def own_table() -> Path:
    """Where a person's own price table stands, if there is one; `SCHOOLHOUSE_CONFIG` moves the folder."""
    if chosen := os.environ.get("SCHOOLHOUSE_CONFIG"):
        return Path(chosen) / FILE
    from platformdirs import user_config_path

    return user_config_path("schoolhouse") / FILE


def price_of(name: str) -> Price | None:
    """The price of `backend/name`; free on this machine, None when the table does not have it.

    Raises RecipeError when the person's table cannot be read.
    """
    backend, rest = split_name(name)
    if backend != "openai":
        return Price()
    address = parse_address(rest, backend)
    if address.local:
        return Price()
    table = {**_read(Path(__file__).with_name(FILE)), **_read(own_table())}
    model = address.model
    exact = [model, model.rpartition("/")[2]]
    begun = sorted((key for key in table if key.endswith("*") and model.startswith(key[:-1])), key=len, reverse=True)
    return next((table[key] for key in [*exact, *begun] if key in table), None)


def _read(path: Path) -> dict[str, Price]:
    if not path.is_file():
        return {}
    try:
        models = tomllib.loads(path.read_text(encoding="utf-8")).get("models", {})
        return {str(name): _price(values) for name, values in models.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        example = '[models."NAME"], then input = 0.15 and output = 0.60, dollars for a million tokens'
        raise RecipeError(f"{path} cannot be read as a price table: {error}", f"write {example}") from error


def _price(values: dict[str, Any]) -> Price:
    cached = values.get("cached")
    found = Price(float(values["input"]), float(values["output"]), None if cached is None else float(cached))
    if min(found.input, found.output, found.cached or 0.0) < 0:
        raise ValueError("a price is below zero")
    return found
