"""llama.cpp's own quantizer."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path
from typing import Any, Literal, get_args

from toolkit.errors import ExportError
from toolkit.export.merge import Advance
from toolkit.models.llama_native import library

Quant = Literal["f16", "q8_0", "q4_k_m"]
QUANTS: tuple[Quant, ...] = get_args(Quant)

_PLACE = re.compile(rb"\[\s*(\d+)/\s*(\d+)\]")  # how the quantizer's log counts tensors


def quantize(source: Path, out: Path, quant: Quant, *, threads: int, advance: Advance) -> None:
    """Write `source` (16-bit floats) to `out` with fewer bits.

    Raises ExportError when llama.cpp cannot do it, ModelError without llama-cpp-python.
    """
    llama_cpp = library()
    log, said = _listener(llama_cpp, advance)
    llama_cpp.llama_log_set(log, ctypes.c_void_p(0))
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = {"q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, "q4_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M}[quant]
    params.nthread = threads
    code = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(out), ctypes.byref(params))
    if code:
        last = b" ".join(said[-3:]).decode("utf-8", "replace").strip()
        raise ExportError(
            f"llama.cpp could not quantize to {quant} (code {code}): {last}", "export with --quant f16, or try q8_0"
        )


def _listener(llama_cpp: Any, advance: Advance) -> tuple[Any, list[bytes]]:
    """A log callback that reads how far the quantizer is, and the last lines that it wrote."""
    said: list[bytes] = []

    def hear(_level: int, text: bytes, _data: object) -> None:
        if found := _PLACE.search(text):
            advance(int(found[1]), int(found[2]))
        said.append(text)
        del said[:-5]

    return llama_cpp.llama_log_callback(hear), said
