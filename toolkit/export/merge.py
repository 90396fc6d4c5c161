"""A trained student as one GGUF file of 16-bit floats: base plus adapter, or all weights where all were trained.

The file keeps the base's names, tokenizer and chat template: only the weights are new. They
are computed in float32 and rounded once, one tensor at a time, so that the largest tensor
decides how much memory it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.export.architectures import require_supported
from toolkit.export.turns import settled
from toolkit.models.gguf_lora import read_lora
from toolkit.models.gguf_whole import read_whole
from toolkit.models.hf_folder import is_whole_model

Advance = Callable[[int, int], None]
"""Called with how many parts are done, and how many there are."""

_TEMPLATE = "tokenizer.chat_template"
_ANEW = {"general.architecture", "general.file_type", "general.quantization_version", "general.name", _TEMPLATE}


def merge(base: Path, adapter: Path, out: Path, *, name: str, end_token: int | None, advance: Advance) -> None:
    """Write the sum of base and adapter to `out`, or the weights that were trained in full.

    Args:
        adapter: a folder that a trainer made.
        name: the model's name in the file.
        end_token: the token that ends answers, as trained; loaders stop at it.

    Raises ExportError for an architecture that is not supported, ModelError for weights that
    do not fit the base.
    """
    import gguf
    import numpy as np

    reader = gguf.GGUFReader(base)
    architecture = str(reader.get_field("general.architecture").contents())
    require_supported(architecture)
    trained = read_whole(adapter, base) if is_whole_model(adapter) else read_lora(adapter, base)
    writer = gguf.GGUFWriter(out, architecture)
    _copy_metadata(gguf, reader, writer)
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if template := reader.get_field(_TEMPLATE):
        writer.add_chat_template(settled(template.contents()))
    _tell_tokens(reader, writer, end_token)
    for tensor in reader.tensors:
        shape = tuple(int(size) for size in reversed(tensor.shape))
        dtype = _dtype(gguf, tensor)
        writer.add_tensor_info(tensor.name, shape, dtype, tensor.n_elements * dtype.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for number, tensor in enumerate(reader.tensors, 1):
        values = trained.learnt(tensor.name, partial(gguf.quants.dequantize, tensor.data, tensor.tensor_type))
        shape = tuple(int(size) for size in reversed(tensor.shape))
        writer.write_tensor_data(np.ascontiguousarray(values.reshape(shape), dtype=_dtype(gguf, tensor)))
        advance(number, len(reader.tensors))
    writer.close()


def _dtype(gguf: Any, tensor: Any) -> Any:
    """Norms and biases stay 32-bit floats, as llama.cpp wants them."""
    import numpy as np

    whole = len(tensor.shape) < 2 or tensor.tensor_type == gguf.GGMLQuantizationType.F32
    return np.dtype(np.float32 if whole else np.float16)


def _copy_metadata(gguf: Any, reader: Any, writer: Any) -> None:
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in _ANEW or key in _TOKENS:
            continue
        array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(key, field.contents(), field.types[0], field.types[-1] if array else None)


_TOKENS = {
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.eot_token_id",
}


def _tell_tokens(reader: Any, writer: Any, end_token: int | None) -> None:
    """Nothing is put around a prompt: the chat template writes the beginning itself, as in training."""
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    eos = reader.get_field("tokenizer.ggml.eos_token_id")
    if end_token is not None and not (eos and eos.contents() == end_token):
        writer.add_eot_token_id(end_token)
