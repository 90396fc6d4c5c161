from __future__ import annotations

import pytest

from toolkit.errors import ModelError
from toolkit.models.catalog import CATALOG, Wheels, entry


def test_every_entry_can_be_had_without_a_model_hub() -> None:
    for found in CATALOG:
        wheels = [source for source in found.sources if isinstance(source, Wheels)]
        assert wheels, found.name
        for source in wheels:
            whole, rest = divmod(found.size, source.part_size)
            assert len(source.parts) == whole + bool(rest)


def test_hashes_and_names_are_well_formed_and_unique() -> None:
    assert len({found.name for found in CATALOG}) == len({found.sha256 for found in CATALOG}) == len(CATALOG)
    assert all(len(found.sha256) == 64 and int(found.sha256, 16) for found in CATALOG)


@pytest.mark.parametrize("typed", ["smollm2", "smollm2-135m-instrct", "SmolLM"])
def test_an_unknown_name_brings_the_nearest_one(typed: str) -> None:
    with pytest.raises(ModelError) as caught:
        entry(typed)
    assert "smollm2-135m-instruct" in caught.value.fix
    assert "schoolhouse models" in caught.value.fix


def test_capitals_in_a_name_do_not_matter() -> None:
    assert entry("SmolLM2-135M-Instruct") is CATALOG[0]
