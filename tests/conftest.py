from __future__ import annotations

import gc
import os
from collections.abc import Generator
from importlib.util import find_spec

import pytest
import warm_children
from hypothesis import settings

import toolkit.process
from toolkit.errors import SchoolhouseError

# a worker that has imported torch holds millions of objects; looking through them less often saves a fifth of the
# time of the screens' tests
gc.set_threshold(20_000, 50, 100)
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # read when textual is imported: pilots need not wait for them

# no deadline: the first example pays for imports, and machines are shared
settings.register_profile("schoolhouse", deadline=None, max_examples=60)
settings.load_profile("schoolhouse")


if warm_children.possible():
    toolkit.process.start_process = warm_children.start


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real models of one file on one worker, so that what they share is loaded and trained once."""
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(pytest.mark.xdist_group(f"real-{item.path.stem}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    return (yield from skip_without_llama_cpp_python())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    return (yield from skip_without_llama_cpp_python())


def skip_without_llama_cpp_python() -> Generator[None]:
    """On a machine without a compiler what says that it needs llama-cpp-python is skipped with these words."""
    try:
        return (yield)
    except SchoolhouseError as error:
        if find_spec("llama_cpp") is None and "llama-cpp-python" in error.message:
            pytest.skip(error.message)
        raise
