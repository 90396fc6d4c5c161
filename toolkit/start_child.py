"""Run a module of this package in any interpreter: `python -P …/toolkit/start_child.py MODULE [ARGUMENTS]`.

Only the package itself is made importable. The folder that it stands in may be Schoolhouse's
own site-packages, with versions that another environment's must not give way to; and from the
working directory, which may be anyone's, nothing is imported (`-P`).
"""

from __future__ import annotations

import runpy
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _provide_package() -> None:
    """Make this file's folder the package of its name."""
    folder = Path(__file__).resolve().parent
    spec = spec_from_file_location(folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec and spec.loader
    package = sys.modules[folder.name] = module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":  # processes that a library starts import this file again
    _provide_package()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__")
