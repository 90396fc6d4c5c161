from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from toolkit.budget.memory import (
    MemoryPlan,
    ModelSize,
    Training,
    generating_bytes,
    largest_that_fits,
    training_bytes,
)

# the shipped models, as their files tell
QWEN = ModelSize(1_117_320_768, 1_777_088_000, 28, 1536, 8960, 151_936, 14_336)
SMOLLM2 = ModelSize(98_362_432, 134_515_008, 30, 576, 1536, 49_152, 11_520)
QUICKSTART = Training(rows=8, max_length=512, lora_r=16)


def test_the_estimates_are_near_what_quickstart_took() -> None:
    """Measured: 2.2 to 2.3 GB while rows were written, 2.3 to 2.5 GB in training, 0.3 GB of them the run itself."""
    assert 1.6e9 < generating_bytes(QWEN, 8192) < 2.1e9
    assert 1.8e9 < training_bytes(SMOLLM2, QUICKSTART) < 2.3e9


def test_a_model_and_its_cache_are_counted() -> None:
    short, long = generating_bytes(QWEN, 8192), generating_bytes(QWEN, 32_768)
    assert long - short == 24_576 * 14_336 * 2
    assert generating_bytes(replace(QWEN, bytes=QWEN.bytes + 10**9), 8192) - short == 10**9


@given(st.integers(1, 64), st.integers(1, 4096), st.integers(1, 256))
def test_more_of_anything_never_takes_less(batch: int, length: int, rank: int) -> None:
    base = training_bytes(SMOLLM2, Training(batch, length, rank))
    for larger in (
        Training(batch + 1, length, rank),
        Training(batch, length + 1, rank),
        Training(batch, length, rank + 1),
    ):
        assert training_bytes(SMOLLM2, larger) >= base
    assert training_bytes(QWEN, Training(batch, length, rank)) > base


def test_training_all_weights_takes_their_gradients_and_moments() -> None:
    adapter, everything = (training_bytes(SMOLLM2, Training(8, 512, rank)) for rank in (1, 0))
    assert 11 * SMOLLM2.parameters < everything - adapter < 12 * SMOLLM2.parameters


def test_the_largest_stage_decides() -> None:
    assert MemoryPlan(teacher=3, training=2).peak == 3
    assert MemoryPlan(teacher=1, training=2).peak == 2


def test_what_fits_is_the_first_of_the_halves_that_does() -> None:
    assert largest_that_fits(4096, 512, 2000, lambda context: context) == 1024
    assert largest_that_fits(4096, 512, 4096, lambda context: context) == 4096
    assert largest_that_fits(4096, 512, 511, lambda context: context) is None
    assert largest_that_fits(3, 1, 1, lambda batch: batch) == 1
