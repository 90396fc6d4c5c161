"""The rows that a student was trained on, as a folder for `datasets.load_dataset`."""

from __future__ import annotations

import json
from pathlib import Path

from toolkit.export.cards import dataset_card
from toolkit.export.trained import Trained
from toolkit.types import Json


def write_dataset(trained: Trained, folder: Path) -> None:
    """Write `data/train.jsonl`, `recipe.yaml` and the card."""
    lines = [json.dumps(record, ensure_ascii=False) for record in _records(trained)]
    (folder / "data").mkdir()
    (folder / "data" / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(trained.recipe.dump(), encoding="utf-8")
    (folder / "README.md").write_text(dataset_card(trained), encoding="utf-8")


def _records(trained: Trained) -> list[dict[str, Json]]:
    prompts = trained.prompts
    return [
        {
            "id": row["id"],
            "input": row["input"],
            "output": row["output"],
            "skill": row["skill"],
            "messages": [*prompts.trained(row["input"]), {"role": "assistant", "content": row["output"]}],
            "calls": list(row["calls"]),
            "attempt": row["attempt"],
            "meta": json.dumps(row["meta"], ensure_ascii=False),
        }
        for row in trained.rows
    ]
