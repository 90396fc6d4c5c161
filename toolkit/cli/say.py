"""What is printed as lines: nothing that a model wrote or a file holds may steer the terminal."""

from __future__ import annotations

import json
from typing import Any

import typer

from toolkit.harmless import STEERS, harmless


def say(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print a line."""
    typer.echo(harmless(str(text)), err=err, nl=nl)


def say_json(value: Any, *, indent: int = 2) -> None:
    """Print a value as JSON; what would steer a terminal is escaped, so that the value stays what it is."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    typer.echo(STEERS.sub(lambda found: f"\\u{ord(found.group()):04x}", text))
