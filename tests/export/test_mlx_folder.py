"""The exported folder in mlx-lm itself: the same logits as in transformers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tiny_model import make_tiny, tiny_job

from toolkit.export.hf_child import make
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_model import load_model
from toolkit.training.backends import interpreter
from toolkit.training.mlx_trainer import NEEDED, MlxTrainer

PROBLEMS = MlxTrainer().problems()
IDS = list(range(3, 40))
CODE = """
import json, sys
from pathlib import Path
import mlx.core as mx
from mlx_lm.utils import load_model
model, _ = load_model(Path(sys.argv[1]))
print(json.dumps(model(mx.array([json.loads(sys.argv[2])]))[0, -1].tolist()))
"""


@pytest.mark.skipif(bool(PROBLEMS), reason=f"{PROBLEMS[0].what}; {PROBLEMS[0].fix}" if PROBLEMS else "")
def test_mlx_lm_turns_by_the_students_rotary_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers writes the base where mlx-lm does not look: it would turn by 10,000 and say nothing."""
    import torch

    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    gguf = make_tiny(tmp_path)
    path = hf_folder(gguf) / "config.json"
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": 20.0}}
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | rope), encoding="utf-8")
    adapter = MlxTrainer().train(tiny_job(gguf, tmp_path / "adapter", epochs=1, lr=1e-2), lambda event: None)
    out = tmp_path / "out"
    out.mkdir()
    names = {"model": str(hf_folder(gguf)), "adapter": str(adapter), "out": str(out)}
    make({**names, "dtype": "float32", "name": "tiny"}, lambda event: None)
    with torch.no_grad():
        expected = load_model(out, "float32").cpu()(input_ids=torch.tensor([IDS])).logits[0, -1].tolist()
    command = [interpreter("mlx", NEEDED), "-c", CODE, str(out), json.dumps(IDS)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, check=True, timeout=300)
    assert json.loads(done.stdout) == pytest.approx(expected, abs=1e-3)
