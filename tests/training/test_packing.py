"""Packed rows: the plan, and gradients that equal those of separate rows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tiny_model import gemma, make_tiny, prompt, tiny_job

from toolkit.models.torch_model import load_tokenizer
from toolkit.training.encode import Encoded, encode
from toolkit.training.gradients import Gradients
from toolkit.training.packed_attention import AbandonedError, Board
from toolkit.training.packing import Group, deal, groups
from toolkit.training.torch_child import Training
from toolkit.training.torch_trainer import _message
from toolkit.training.trainer import Example

SYSTEMS = ("Give one label for this message. " * 3, "Say what kind of message this is, in a word. " * 2)


def row(*prompt_ids: int, answer: tuple[int, ...] = (90, 2)) -> Encoded:
    return Encoded([*prompt_ids, *answer], len(prompt_ids))


def begun(beginning: range, *rest: int) -> Encoded:
    return row(*beginning, *rest)


# -- the plan -----------------------------------------------------------------------------------


def test_rows_are_grouped_by_what_spares_most() -> None:
    first, second = range(100, 140), range(200, 230)
    rows = [begun(first, 1), begun(second, 2), begun(first, 3, 4), row(7, 8), begun(second, 5), begun(first, 6)]
    found = groups(rows)
    assert {(group.lead, group.rows) for group in found if group.lead} == {(40, (0, 2, 5)), (30, (1, 4))}
    assert sorted(index for group in found for index in group.rows) == list(range(6))


def test_a_short_beginning_is_not_worth_a_block() -> None:
    assert groups([row(1, 2, 3, 4), row(1, 2, 3, 5)]) == [Group(0, (0, 1))]


def test_only_prompts_are_shared_and_each_row_keeps_a_prompt_token() -> None:
    same = [row(*range(30)), row(*range(30)), row(*range(31))]
    [group] = groups(same)
    assert group.lead == 29
    [part] = deal(same, 1)
    assert part.lengths == [29, 3, 3, 4]
    assert [part.ids[place] for place in part.predicting] == [29, 90, 29, 90, 30, 90]
    assert part.targets == [90, 2] * 3


def test_a_lead_is_there_once_and_every_row_stands_at_its_positions() -> None:
    rows = [begun(range(100, 150), n, n + 1) for n in range(5)]
    parts = deal(rows, 2)
    assert [part.holds_leads for part in parts] == [True, False]
    assert sum(len(part.ids) for part in parts) == 50 + 5 * 4
    for part in parts:
        assert part.leads == [50]
        assert sum(part.lengths) == len(part.ids) == len(part.positions)
        own = part.positions[50:] if part.holds_leads else part.positions
        assert own == [50, 51, 52, 53] * (len(own) // 4)
    assert len(parts[0].ids) - 50 < len(parts[1].ids)  # who computes the lead gets fewer rows


def test_every_core_gets_a_row_and_no_core_more_than_its_share() -> None:
    rows = [begun(range(100, 200), n) for n in range(3)]
    assert [len(part.targets) for part in deal(rows, 4)] == [2, 2, 2]
    chance = random.Random(0)
    rows = [row(*[chance.randrange(50) for _ in range(chance.randrange(20, 60))]) for _ in range(16)]
    sizes = [len(part.ids) for part in deal(rows, 4)]
    assert max(sizes) - min(sizes) <= 60
    assert sum(sizes) == sum(len(one.ids) for one in rows)


def test_a_part_whose_rows_share_nothing_borrows_nothing() -> None:
    """Nobody may wait for gradients that it never gives back."""
    first = range(100, 140)
    parts = deal([begun(first, 1), begun(first, 2), row(*range(60))], 2)
    assert [part.sees for part in parts] == [[None, 0, 0], [None]]
    assert [part.borrows for part in parts] == [False, False]


# -- gradients ----------------------------------------------------------------------------------


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


def lessons(systems: tuple[str, ...]) -> list[Example]:
    return [
        Example(prompt(f"m{'xyz'[n % 3] * n} {n}", systems[n % len(systems)]), "late" if n % 2 else "refund")  # type: ignore[arg-type]
        for n in range(8)
    ]


def training_of(gguf: Path, folder: Path, examples: list[Example], **changes: Any) -> Training:
    job = tiny_job(gguf, folder / "a", examples=examples, epochs=1, batch_size=len(examples), **changes)
    message = _message(job, "f", job.output)
    training = Training(message, encode(load_tokenizer(Path(message["model"])), message["rows"], 512))
    torch = training.torch
    torch.manual_seed(1)
    for name, weight in training.weights.items():
        if "lora_B" in name:  # they begin as zeros, and would hide half of the gradients
            weight.data.normal_(std=0.1)
    return training


def computing(training: Training) -> Gradients:
    assert isinstance(training.gradients, Gradients)
    return training.gradients


def gradients(training: Training, at_once: int = 100) -> tuple[float, dict[str, Any]]:
    loss, found = training.gradients.of(training.plan[0], at_once)
    return loss, dict(zip(training.weights, found, strict=True))


def separately(training: Training) -> tuple[float, dict[str, Any]]:
    """Loss and gradients from whole logits of one row at a time, by transformers' own attention."""
    torch, model = training.torch, training.trainee.model
    ours, model.config._attn_implementation = model.config._attn_implementation, "eager"
    batch = training.plan[0]
    answers = sum(len(one.ids) - one.start for one in batch)
    losses = []
    for one in batch:
        logits = model(input_ids=torch.tensor([one.ids])).logits[0, one.start - 1 : -1]
        wanted = torch.tensor(one.ids[one.start :])
        losses.append(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
    loss = torch.stack(losses).sum() / answers
    found = torch.autograd.grad(loss, list(training.weights.values()))
    model.config._attn_implementation = ours
    return loss.item(), dict(zip(training.weights, found, strict=True))


def assert_equal(found: tuple[float, dict[str, Any]], expected: tuple[float, dict[str, Any]]) -> None:
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in expected[1].items():
        assert float(gradient.norm()) > 0, name
        assert float((found[1][name] - gradient).norm() / gradient.norm()) < 1e-4, name


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("systems", [SYSTEMS[:1], SYSTEMS], ids=["one beginning", "two beginnings"])
def test_gradients_equal_those_of_separate_rows(
    gguf: Path, tmp_path: Path, systems: tuple[str, ...], workers: int
) -> None:
    training = training_of(gguf, tmp_path, lessons(systems))
    assert computing(training).packed
    assert [group.lead > 60 for group in groups(training.plan[0])] == [True] * len(systems)
    weights = list(training.weights.values())
    training.gradients = Gradients(training.torch, training.trainee.model, weights, "float32", workers)
    assert_equal(gradients(training), separately(training))
    assert_equal(gradients(training, at_once=3), separately(training))
    computing(training).share = False
    assert_equal(gradients(training), separately(training))


def test_full_fine_tuning_has_the_gradients_of_separate_rows(gguf: Path, tmp_path: Path) -> None:
    training = training_of(gguf, tmp_path, lessons(SYSTEMS), method="full")
    assert_equal(gradients(training), separately(training))


def test_the_same_batch_gives_the_same_gradients_to_the_last_bit(gguf: Path, tmp_path: Path) -> None:
    training = training_of(gguf, tmp_path, lessons(SYSTEMS))
    first, again = gradients(training), gradients(training)
    assert first[0] == again[0]
    assert all(bool((first[1][name] == again[1][name]).all()) for name in first[1])


def test_a_shared_beginning_is_computed_once_and_logits_only_for_answers(gguf: Path, tmp_path: Path) -> None:
    training = training_of(gguf, tmp_path, lessons(SYSTEMS[:1]))
    seen: dict[str, int] = {"body": 0, "head": 0}

    def count(name: str) -> Any:
        def hook(_module: Any, args: Any, kwargs: Any, _output: Any) -> None:
            seen[name] += (kwargs.get("input_ids") if name == "body" else args[0][:, 0]).numel()

        return hook

    computing(training).body.register_forward_hook(count("body"), with_kwargs=True)
    computing(training).head.register_forward_hook(count("head"), with_kwargs=True)
    gradients(training)
    batch = training.plan[0]
    [group] = groups(batch)
    assert seen["body"] == sum(len(one.ids) for one in batch) - group.lead * (len(batch) - 1)
    assert seen["head"] == sum(len(one.ids) - one.start for one in batch)


def test_a_model_that_cannot_be_packed_is_trained_row_by_row(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that would see another row's tokens are noticed before the first step."""
    from toolkit.training import packed_attention

    def leaky(self: Any, groups: int, own: int, seen: int, device: Any) -> Any:
        return self._torch.ones(groups * own, seen, dtype=self._torch.bool)

    monkeypatch.setattr(packed_attention.PackedAttention, "_mask", leaky)
    events: list[dict[str, Any]] = []
    job = tiny_job(gguf, tmp_path / "a", examples=lessons(SYSTEMS), epochs=1, batch_size=8)
    message = _message(job, "f", job.output)
    rows = encode(load_tokenizer(Path(message["model"])), message["rows"], 512)
    training = Training(message, rows, events.append)
    assert [event["packed"] for event in events] == [False]
    assert not computing(training).packed
    loss, found = gradients(training)
    expected = separately(training)
    assert loss == pytest.approx(expected[0], rel=1e-5)
    for name, gradient in expected[1].items():
        assert float((found[name] - gradient).abs().max()) <= 1e-4 * float(gradient.abs().max())


@pytest.mark.parametrize(("version", "window"), [(2, 400), (3, 400), (3, 80)])
def test_windows_and_soft_caps_have_the_gradients_of_the_models_own_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, window: int
) -> None:
    """Three rows fit into the shorter window, the last does not."""
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    gguf = make_tiny(tmp_path, model=gemma(version, window))
    rows = [Example(prompt(text, "a"), "late") for text in ("m", "mm", "mmm", "m" * 90)]  # type: ignore[arg-type]
    training = training_of(gguf, tmp_path, rows)
    assert [len(one.ids) < 80 for one in training.plan[0]] == [True, True, True, False]
    assert computing(training).packed is (version == 3 and window == 400)
    assert_equal(gradients(training), separately(training))


def test_a_core_that_fails_does_not_leave_the_others_waiting(gguf: Path, tmp_path: Path) -> None:
    training = training_of(gguf, tmp_path, lessons(SYSTEMS[:1]))
    computes = computing(training)
    whole = computes._packed_loss

    def broken(part: Any) -> Any:
        if part.holds_leads:
            raise ValueError("broken")
        return whole(part)

    computes._packed_loss = broken  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="broken"):
        gradients(training)
    computes._packed_loss = whole  # type: ignore[method-assign]
    assert_equal(gradients(training), separately(training))


def test_what_nobody_will_leave_is_not_waited_for() -> None:
    board = Board([])
    board.put("lent", 0, 0, 1)
    assert board.take("lent", 0, 0) == 1
    board.abandon()
    with pytest.raises(AbandonedError):
        board.take("lent", 1, 0)
