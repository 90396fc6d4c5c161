"""Export a trained student: files into a temporary folder, the parity gate, cards, manifest, then the final name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from toolkit.errors import ExportError
from toolkit.export.architectures import architecture_of, require_supported
from toolkit.export.cards import model_card
from toolkit.export.folder import check_place, whole_export, write_manifest
from toolkit.export.gate import Exported, Found, check_parity, inspect_trained, run_child
from toolkit.export.ollama import OllamaModel, create, ollama_model, server
from toolkit.export.parity import Parity
from toolkit.export.quantize import Quant
from toolkit.export.rows import write_dataset
from toolkit.export.trained import Progress, Trained
from toolkit.hardware.machine import usable_cores
from toolkit.models.gguf_lora import convert
from toolkit.models.hf_folder import hf_folder, is_whole_model
from toolkit.models.llama_native import require
from toolkit.models.torch_dtype import fast_dtype

Target = Literal["gguf-lora", "gguf", "ollama", "hf", "mlx", "dataset"]
TARGETS: tuple[Target, ...] = get_args(Target)

ADAPTER = "adapter.gguf"
DEFAULT_QUANT: dict[Target, Quant] = {"gguf": "f16", "ollama": "q8_0"}

Note = Callable[[Parity], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted. `force` writes an export that failed its check, and says so in its card."""

    to: Target
    out: Path
    quant: Quant | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """What stands now: path -> SHA-256 of each file, the gate's finding, and what to do next."""

    folder: Path
    files: dict[str, str]
    parity: Parity | None
    usage: tuple[str, ...]
    ollama: OllamaModel | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The files of an export, before they are checked."""

    exported: Exported
    usage: list[str]
    ollama: OllamaModel | None = None


def export(trained: Trained, order: Order, progress: Progress, note: Note = lambda _: None) -> Export:
    """Make an export, or leave nothing behind.

    Args:
        note: gets the gate's finding before it decides anything.

    Raises ExportError when the student cannot be exported so, and when the export does not
    answer as the student does (unless forced); ModelError, DiskFullError.
    """
    order = _checked(order, trained)
    parity: Parity | None = None
    with whole_export(order.out) as folder:
        if order.to == "dataset":
            write_dataset(trained, folder)
            usage, described = [f'`datasets.load_dataset("{order.out.name}")`'], None
        else:
            parity, made = _model(trained, order, folder, progress, note)
            usage, described = made.usage, made.ollama
            card = model_card(trained, parity, usage=usage, forced=order.force)
            (folder / "README.md").write_text(card, encoding="utf-8")
        files = write_manifest(folder, _about(trained, order, parity))
    return Export(order.out, files, parity, tuple(usage), described)


def _checked(order: Order, trained: Trained) -> Order:
    """Refuse early what cannot work; fill in the usual quantization."""
    check_place(order.out)
    if order.quant and order.to not in DEFAULT_QUANT:
        fix = f"leave --quant out, or use --to {' or '.join(DEFAULT_QUANT)}"
        raise ExportError(f"--to {order.to} is not quantized", fix)
    if order.to == "gguf-lora" and is_whole_model(trained.adapter):
        fix = "schoolhouse export RUN --to gguf"
        raise ExportError("there is no adapter to export: all weights of this student were trained", fix)
    if order.to in ("gguf", "ollama", "gguf-lora"):
        require_supported(architecture_of(trained.gguf))
        require(f"an export to {order.to}")
    return replace(order, quant=order.quant or DEFAULT_QUANT.get(order.to))


def _model(trained: Trained, order: Order, folder: Path, progress: Progress, note: Note) -> tuple[Parity, Made]:
    progress("reading the chat template", 0, 1)
    known = inspect_trained(trained)
    make = {"gguf-lora": _lora, "gguf": _gguf, "ollama": _ollama, "hf": _folder, "mlx": _folder}[order.to]
    made = make(trained, order, folder, known, progress)
    parity = check_parity(trained, known, made.exported, progress)
    note(parity)
    if not parity.passed and not order.force:
        raise ExportError(parity.sentence(), "repair what is named, or --force to write it with this noted in its card")
    return parity, made


def _lora(trained: Trained, order: Order, folder: Path, _: Found, progress: Progress) -> Made:
    progress("converting the adapter", 0, 1)
    convert(trained.adapter, trained.gguf, folder / ADAPTER)
    usage = [f"`llama-cli -m {trained.gguf.name} --lora {ADAPTER}`", "", f"The base weights are {trained.gguf.name}."]
    return Made(Exported(trained.gguf, lora=folder / ADAPTER), usage)


def _gguf(trained: Trained, order: Order, folder: Path, known: Found, progress: Progress) -> Made:
    file = _merged(trained, order, folder, known, progress)
    return Made(Exported(file), [f"`llama-cli -m {file.name}` or any program that reads GGUF files"])


def _ollama(trained: Trained, order: Order, folder: Path, known: Found, progress: Progress) -> Made:
    described = describe_ollama(trained, known, f"{trained.name}-{order.quant}.gguf")
    file = _merged(trained, order, folder, known, progress)
    (folder / "Modelfile").write_text(described.modelfile(), encoding="utf-8")
    usage = [f"`cd {order.out.name} && ollama create {described.name}`, then `ollama run {described.name}`"]
    return Made(Exported(file, turns=known["turns"]), usage, described)


def _folder(trained: Trained, order: Order, folder: Path, _: Found, progress: Progress) -> Made:
    dtype, adapter = fast_dtype(), trained.adapter.resolve()
    whole = is_whole_model(adapter)
    names = {
        "model": str(adapter if whole else hf_folder(trained.gguf)),
        "adapter": None if whole else str(adapter),
        "out": str(folder.resolve()),
    }
    _carry_out("hf_child", {**names, "dtype": dtype, "name": trained.name}, progress)
    here = order.out.name
    usage = [f'`AutoModelForCausalLM.from_pretrained("{here}", dtype="auto")`']
    if order.to == "mlx":
        usage = [f"`mlx_lm.generate --model {here} --prompt …`", "", f"4 bits: `mlx_lm.convert --hf-path {here} -q`"]
    return Made(Exported(folder), usage)


def _merged(trained: Trained, order: Order, folder: Path, known: Found, progress: Progress) -> Path:
    file = folder / f"{trained.name}-{order.quant}.gguf"
    job = {
        "base": str(trained.gguf.resolve()),
        "adapter": str(trained.adapter.resolve()),
        "out": str(file.resolve()),
        "quant": order.quant,
        "name": trained.name,
        "end_token": known["end_token"],
        "threads": usable_cores(),
    }
    _carry_out("gguf_child", job, progress)
    return file


def _carry_out(name: Literal["gguf_child", "hf_child"], job: Found, progress: Progress) -> None:
    for message in run_child(name, job):
        if message["event"] == "progress":
            progress(message["what"], int(message["done"]), int(message["total"]))


def describe_ollama(trained: Trained, known: Found, file: str) -> OllamaModel:
    """What Ollama is told. Raises ExportError when the chat template cannot be translated."""
    if known["untold"]:
        raise ExportError(known["untold"], "schoolhouse export RUN --to gguf")
    recipe, stops = trained.recipe.file, known["end_texts"]
    context, most = recipe.student_context, recipe.student.max_new_tokens
    return ollama_model(trained.name, file, known["turns"], recipe.task.system, stops, context=context, max_tokens=most)


def create_in_ollama(made: Export) -> str | None:
    """Make the model in an Ollama server that is up; its name, or None when there is no server."""
    if made.ollama is None or (url := server()) is None:
        return None
    create(url, made.ollama, made.folder, made.files[made.ollama.file])
    return made.ollama.name


def _about(trained: Trained, order: Order, parity: Parity | None) -> dict[str, Any]:
    return {
        "run": trained.run,
        "round": trained.round,
        "to": order.to,
        "quant": order.quant,
        "base": trained.gguf.name,
        "forced": bool(order.force and parity and not parity.passed),
        "parity": parity.to_json() if parity else None,
    }
