"""Texts of models and people, before they stand on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def clean(text: str) -> str:
    """The text without control and direction characters; lines stay lines, and it is not escaped yet."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def p_value(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def lesson_size(found: Mapping[str, Any]) -> str:
    """Of a round of the summary: how many rows it was trained on, those against forgetting apart."""
    general = f" + {found['general']} general" if found["general"] else ""
    return f"{found['trained_on']}{general}"
