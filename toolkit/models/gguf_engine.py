"""Which library runs GGUF files in this process: llama-cpp-python where it was built, else xllamacpp.

docs/decisions has why; both hold to the same contract test.
"""

from __future__ import annotations

from typing import Literal

from toolkit.errors import ModelError
from toolkit.models import llama_native, xllamacpp
from toolkit.models.chat import ChatModel
from toolkit.models.llama_cpp import open_model as open_native

Engine = Literal["llama-cpp-python", "xllamacpp"]


def open_model(name: str, *, context: int = 2048, threads: int | None = None) -> ChatModel:
    """Open a catalog name or a path to a .gguf file with the library that is here. Raises ModelError."""
    opener = open_native if engine() == "llama-cpp-python" else xllamacpp.open_model
    return opener(name, context=context, threads=threads)


def engine() -> Engine:
    """The library in use. Raises ModelError when neither can be imported."""
    try:
        llama_native.library()
    except ModelError as missing:
        try:
            xllamacpp.library()
        except ModelError as error:
            raise ModelError(f"{error.message}; {missing.message}", error.fix) from missing
        return "xllamacpp"
    return "llama-cpp-python"
