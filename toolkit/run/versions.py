"""Which versions of what a run was carried out with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "llama-cpp-python",
    "xllamacpp",
    "pydantic-monty",
    "numpy",
    "scipy",
    "datasets",
)


def versions() -> dict[str, str]:
    """Name -> version: Schoolhouse, Python, and the libraries that a result may depend on, as far as installed."""
    from toolkit import __version__

    found = {"schoolhouse": __version__, "python": platform.python_version(), "system": platform.platform(terse=True)}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
