"""A pool of unlabelled questions: what data programs and engineers see of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from school import FILLED, School, nonsense, read_items

from toolkit.run import Run

LOOKING = f"log(str(len(seeds)) + ' seeds, the first is ' + seeds[0])\n{FILLED}"
SEEDS = [f"{nonsense(f'seed {number}')} seedling{number}" for number in range(12)]


@pytest.fixture
def school(school: School, tmp_path: Path) -> School:
    school.engineer = lambda request: f"```python\n{LOOKING}\n```"
    items = [item["input"] for item in read_items(tmp_path)]
    texts = [*items, *SEEDS, SEEDS[0] + "!", SEEDS[1]]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps({"question": text}) + "\n" for text in texts))
    return school


def seeded(school: School, **sections: dict[str, object]) -> Run:
    return school.run(data={"path": "data.jsonl", "seeds": "seeds.jsonl"}, budget={"rounds": 1}, **sections)


def test_evaluation_items_among_the_seeds_are_dropped_and_counted(school: School) -> None:
    run = seeded(school, engineer={"kind": "code"})
    dropped = json.loads((run.folder / "data" / "prepared.json").read_text())["dropped"]
    assert dropped["seed too close to an evaluation item"] == 90
    assert dropped["near-duplicate of a seed"] == 1
    said = [event["data"]["text"] for event in run.reader.events() if event["kind"] == "log"]
    assert f"12 seeds, the first is {SEEDS[0]}" in said
    assert not any("canary" in prompt for prompt in school.prompts())


@pytest.mark.parametrize("level", ["aggregate", "cases", "bit"])
def test_a_few_seeds_are_shown_to_the_engineer_unless_it_hears_one_bit(school: School, level: str) -> None:
    seeded(school, engineer={"kind": "code", "feedback": level})
    drafting = school.prompts()[0]
    assert len(re.findall(r"seedling\d+", drafting)) == (0 if level == "bit" else 5)


def test_seed_evolution_starts_from_them(school: School) -> None:
    run = school.begin(
        data={"path": "data.jsonl", "seeds": "seeds.jsonl"},
        engineer={"program": "seed_evolution"},
        budget={"rounds": 1},
    )

    school.teacher = lambda request: '"late_parcel"' if request.schema else nonsense(request.hash)
    run.carry_out()
    evolving = [prompt for prompt in school.prompts() if "Here is one: " in prompt]
    assert "seedling" in evolving[0]
