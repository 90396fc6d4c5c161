"""The quickstart's messages: balanced, unique, not templated; and the recipes agree with their data."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from toolkit.recipe.problems import contradictions
from toolkit.recipe.schema import RecipeFile

RECIPES = Path(__file__).parents[2] / "recipes"
PER_LABEL = 44
LONGEST = 300
NEAR_DUPLICATE = 0.6


def recipe(name: str) -> RecipeFile:
    return RecipeFile.model_validate(YAML(typ="safe").load((RECIPES / name / "recipe.yaml").read_text("utf-8")))


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str]]:
    with (RECIPES / "quickstart" / "data" / "messages.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["intent"]) for row in csv.DictReader(file)]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def shingles(text: str) -> set[str]:
    """Character 4-grams of the words, so that typos and punctuation hide no copy."""
    plain = f" {' '.join(words(text))} "
    return {plain[i : i + 4] for i in range(len(plain) - 3)}


def similarity(left: set[str], right: set[str]) -> float:
    """Jaccard, 0 to 1."""
    return len(left & right) / len(left | right)


def test_every_intent_has_the_same_number_of_messages(rows: list[tuple[str, str]]) -> None:
    labels = recipe("quickstart").task.labels
    assert len(labels) == 12
    assert Counter(intent for _, intent in rows) == dict.fromkeys(labels, PER_LABEL)


def test_messages_are_unique_trimmed_and_short_enough(rows: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in rows]
    assert len({" ".join(words(text)) for text in texts}) == len(texts)
    assert [text for text in texts if not text or text != text.strip() or len(text) > LONGEST] == []


def test_similarity_tells_near_duplicates() -> None:
    message = shingles("where is my parcel please, i wait since monday")
    assert similarity(message, shingles("Where is my parcel, please? I waited since Monday")) > NEAR_DUPLICATE
    assert similarity(message, shingles("where is my money please, you said monday")) < NEAR_DUPLICATE


def test_no_two_messages_are_near_duplicates(rows: list[tuple[str, str]]) -> None:
    pairs = combinations([(text, shingles(text)) for text, _ in rows], 2)
    assert [(a[0], b[0]) for a, b in pairs if similarity(a[1], b[1]) > NEAR_DUPLICATE] == []


def test_no_two_messages_open_with_the_same_four_words(rows: list[tuple[str, str]]) -> None:
    openings = Counter(tuple(words(text)[:4]) for text, _ in rows)
    assert [opening for opening, count in openings.items() if count > 1] == []


def test_messages_vary_in_length_and_style(rows: list[tuple[str, str]]) -> None:
    texts = [text for text, _ in rows]
    assert sum(len(text) < 25 for text in texts) >= 25
    assert sum(len(text) > 150 for text in texts) >= 12
    assert sum(text == text.lower() for text in texts) >= 100


def test_labels_start_with_different_words() -> None:
    firsts = [label.split("_")[0] for label in recipe("quickstart").task.labels]
    assert len(set(firsts)) == len(firsts)


@pytest.mark.parametrize(("name", "count"), [("quickstart", 12), ("banking77", 77)])
def test_every_label_has_a_description_of_its_own(name: str, count: int) -> None:
    described = recipe(name).task.labels
    assert len(described) == count
    assert len({text for text in described.values() if len(text) > 30 and text.endswith(".")}) == count


def test_banking77_brings_no_rows() -> None:
    assert [path.name for path in (RECIPES / "banking77").iterdir()] == ["recipe.yaml"]
    assert recipe("banking77").data.path is None


def test_the_papers_defaults_bring_its_numbers_and_no_rows() -> None:
    assert [path.name for path in (RECIPES / "paper-defaults").iterdir()] == ["recipe.yaml"]
    found = recipe("paper-defaults")
    assert contradictions(found) == [] and found.data.path is None
    budget, engineer, train = found.budget, found.engineer, found.train
    assert (budget.rounds, budget.rows // budget.rounds, budget.min_rows) == (30, 2000, 1000)
    assert (budget.teacher_calls, budget.minutes, engineer.attempts, engineer.drafts) == (50_000, 720, 30, 8)
    assert (engineer.kind, engineer.mode, engineer.feedback) == ("code", "iterative", "cases")
    assert (train.lora_r, train.lora_alpha, train.lora_targets) == (8, 16, "all-linear")
    assert (train.lr, train.schedule, train.warmup) == (1e-4, "cosine", 0.1)
    assert (train.epochs, train.batch_size, train.max_length, train.rows) == (3, 8, 2048, "fresh")
    shares = {name: float(share) for name, share in found.data.splits.items()}
    assert 3 * (shares["public"] + shares["gate"]) == shares["private"]


def test_examples_are_like_no_evaluation_message(rows: list[tuple[str, str]]) -> None:
    task = recipe("quickstart").task
    examples = task.examples
    assert {label: len(texts) for label, texts in examples.items()} == dict.fromkeys(task.labels, 6)
    asked = [shingles(text) for text, _ in rows]
    shown = [text for texts in examples.values() for text in texts]
    assert [text for text in shown if any(similarity(shingles(text), other) > 0.5 for other in asked)] == []
