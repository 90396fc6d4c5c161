"""A random Llama of 30,000 weights with a tokenizer, standing where an unpacked GGUF would stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.models.hf_folder import gguf_fingerprint
from toolkit.paths import cache_dir
from toolkit.training.trainer import Example, TrainJob

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN3 = r"""{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(last_query_index=messages|length - 1, searching=true) %}
{%- for message in messages[::-1] %}
    {%- if ns.searching and message.role == "user" %}
        {%- set ns.searching = false %}
        {%- set ns.last_query_index = (messages|length - 1) - loop.index0 %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning_content.strip('\n') }}
                {{- '\n</think>\n\n' + content.lstrip('\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}"""
"""Qwen3's template without its parts for tools: it thinks unless it is told not to."""

LABELS = ("late", "refund", "broken", "other")


def make_tiny(folder: Path, template: str = TEMPLATE, model: Any = None) -> Path:
    """A stand-in for a .gguf file; `SCHOOLHOUSE_CACHE` must point to a folder of the test. `model`: not a Llama."""
    gguf = folder / "tiny.gguf"
    gguf.write_bytes(b"GGUF" + template.encode())
    unpacked = cache_dir() / "unpacked" / f"{gguf.stem}-{gguf_fingerprint(gguf)}"
    _tokenizer(template).save_pretrained(unpacked)
    (model or _model()).save_pretrained(unpacked)
    return gguf


def _tokenizer(template: str):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=special[1], eos_token=special[2], pad_token=special[2]
    )
    fast.chat_template = template
    return fast


SIZES: dict[str, Any] = {
    "vocab_size": 259,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
    "tie_word_embeddings": False,
    "initializer_range": 0.4,
}


def _model():  # type: ignore[no-untyped-def]
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(**SIZES)
    return LlamaForCausalLM(config)


def gemma(version: int, window: int) -> Any:
    """A random Gemma 2 (soft caps) or 3, the first of its two layers with a sliding window of so many tokens."""
    import torch
    from transformers import Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config, model = {2: (Gemma2Config, Gemma2ForCausalLM), 3: (Gemma3TextConfig, Gemma3ForCausalLM)}[version]
    return model(
        config(
            **SIZES,
            head_dim=12,
            query_pre_attn_scalar=12,
            sliding_window=window,
            layer_types=["sliding_attention", "full_attention"],
        )
    )


def prompt(text: str, system: str = "Give one label.") -> tuple[dict[str, str], ...]:
    return ({"role": "system", "content": system}, {"role": "user", "content": text})


def tiny_job(gguf: Path, output: Path, **changes: object) -> TrainJob:
    rows = [Example(prompt(f"m{'x' * (n % 7)} {n}"), LABELS[n % 4]) for n in range(24)]  # type: ignore[arg-type]
    settings: dict[str, object] = {
        "examples": rows,
        "epochs": 4,
        "batch_size": 4,
        "checkpoint_steps": 3,
        "dtype": "float32",
    }
    return TrainJob(gguf=gguf, output=output, **(settings | changes))  # type: ignore[arg-type]
