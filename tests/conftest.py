from __future__ import annotations

import pytest
from hypothesis import settings

# no deadline: the first example pays for imports, and machines are shared
settings.register_profile("schoolhouse", deadline=None, max_examples=60)
settings.load_profile("schoolhouse")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real models one after the other, beside the rest: two of them at once would fight for cores and memory."""
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(pytest.mark.xdist_group("real"))
