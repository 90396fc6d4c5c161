"""Schoolhouse: a one-room schoolhouse for small language models.

>>> from toolkit import Recipe, Run
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Recipe", "Run", "__version__"]

if TYPE_CHECKING:
    from toolkit.recipe import Recipe
    from toolkit.run import Run


def __getattr__(name: str) -> Any:
    """Import on first use: `import toolkit` stays instant."""
    if name == "Recipe":
        from toolkit.recipe import Recipe

        return Recipe
    if name == "Run":
        from toolkit.run import Run

        return Run
    raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
