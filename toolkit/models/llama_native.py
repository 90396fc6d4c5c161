"""llama.cpp in this process: tokens in, logits and samples out. The only file that imports llama_cpp for chat.

It stands on the C API rather than on `llama_cpp.Llama`, for three things that cost most of
the time otherwise: several sequences in one forward pass, a prompt prefix shared between
them, and a grammar that looks at the sampled token instead of at the whole vocabulary.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import ModelError, RefusedRequest
from toolkit.types import Message

FIX = (
    "pip install llama-cpp-python   (it needs a C compiler: `sudo apt install build-essential`"
    " on Debian and Ubuntu, `xcode-select --install` on macOS)"
)
BATCH_TOKENS = 512
_LIKELY = 512  # candidates shown to the grammar first, when the sampled token breaks it

# in a GBNF grammar: a character class or literal (to step over it), and the rule `space` behind it or alone
_SPACE = re.compile(r"""(\[(?:\\.|[^\]\\])*\]|"(?:\\.|[^"\\])*")( space\b)?| space\b""")

# the layout of llama_token_data
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)], align=True)


class Entry(NamedTuple):
    """One token of a forward pass."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


def library() -> Any:
    """The module. Raises ModelError when it cannot be imported."""
    try:
        with patient_threads():
            import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(f"llama-cpp-python cannot be used: {error}", FIX) from error
    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)
    return llama_cpp


def require(what: str) -> None:
    """Raises ModelError when `what` needs llama-cpp-python and it is not installed; nothing is loaded."""
    if find_spec("llama_cpp") is None:
        raise ModelError(f"{what} needs llama-cpp-python, which is not installed", FIX)


@contextmanager
def patient_threads() -> Iterator[None]:
    """Let OpenMP, which reads its settings while it is loaded, sleep instead of spin.

    On a busy 2-core machine spinning threads made a token 10 to 30 times slower; on an
    idle one sleeping costs a few per cent. Children do not inherit the setting.
    """
    name = "OMP_WAIT_POLICY"
    if {name, "GOMP_SPINCOUNT"} & os.environ.keys():
        yield
        return
    os.environ[name] = "passive"
    try:
        yield
    finally:
        del os.environ[name]


class Engine:
    """A loaded model with a KV cache that several sequences share.

    Args:
        path: a GGUF file.
        cells: tokens that the KV cache holds, over all sequences.
        sequences: how many there may be.
        threads: CPU threads.
    """

    def __init__(self, path: Path, *, cells: int, sequences: int, threads: int) -> None:
        self._c = c = library()
        c.llama_backend_init()
        self._model = c.llama_model_load_from_file(os.fsencode(path), c.llama_model_default_params())
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path}", f"schoolhouse models verify {path.name}")
        self._vocab = c.llama_model_get_vocab(self._model)
        self.vocabulary: int = c.llama_vocab_n_tokens(self._vocab)
        self.trained_context: int = c.llama_model_n_ctx_train(self._model)
        self._context = c.llama_init_from_model(self._model, self._context_params(cells, sequences, threads))
        if not self._context:
            c.llama_model_free(self._model)
            raise ModelError(f"there is not enough memory for a context of {cells} tokens", "lower teacher.context")
        self._memory = c.llama_get_memory(self._context)
        self._batch = c.llama_batch_init(BATCH_TOKENS, 0, 1)
        self._grammars: dict[str, Any] = {}

    def use_adapter(self, lora: Path) -> None:
        """Answer with this GGUF LoRA from now on. Raises ModelError when it does not fit the weights."""
        c = self._c
        adapter = c.llama_adapter_lora_init(self._model, os.fsencode(lora))  # freed with the model
        one, scale = (c.llama_adapter_lora_p_ctypes * 1)(adapter), (ctypes.c_float * 1)(1.0)
        if not adapter or c.llama_set_adapters_lora(self._context, one, 1, scale):
            raise ModelError(f"llama.cpp cannot use the adapter {lora}", f"rm {lora}   (it is made again)")

    def _context_params(self, cells: int, sequences: int, threads: int) -> Any:
        params = self._c.llama_context_default_params()
        params.n_ctx, params.n_seq_max, params.kv_unified = cells, sequences, True
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = self._c.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.no_perf = True
        return params

    def close(self) -> None:
        """Free model, context and grammars; safe to call twice."""
        if self._model is None:
            return
        for grammar in self._grammars.values():
            self._c.llama_sampler_free(grammar)
        self._c.llama_batch_free(self._batch)
        self._c.llama_free(self._context)
        self._c.llama_model_free(self._model)
        self._model = self._context = None
        self._grammars = {}

    # -- text and tokens ----------------------------------------------------------------------

    def chat_template(self) -> str:
        """The model's chat template (Jinja), or nothing."""
        found = self._c.llama_model_chat_template(self._model, None)
        return found.decode("utf-8", "replace") if found else ""

    def renderer(self, *, as_served: bool = False) -> Callable[[Sequence[Message]], str]:
        """Messages -> prompt, through the model's own template. Templates are code: jinja2's sandbox runs them.

        A template that knows how to is told not to let the model think; not so `as_served`.
        """
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        formatter = Jinja2ChatFormatter(self.chat_template(), eos_token=self._text("eos"), bos_token=self._text("bos"))
        said = {} if as_served else {"enable_thinking": False}
        return lambda messages: str(formatter(messages=list(messages), **said).prompt)

    def _text(self, which: str) -> str:
        token = getattr(self._c, f"llama_vocab_{which}")(self._vocab)
        return self._c.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace") if token >= 0 else ""

    def gbnf(self, schema: str) -> str:
        """The grammar of a JSON schema. Raises RefusedRequest when it cannot be expressed."""
        try:
            grammar = str(self._c.llama_grammar.json_schema_to_gbnf(schema))
        except Exception as error:  # the converter raises whatever comes
            raise RefusedRequest(f"this JSON schema cannot be used: {error}", "write a simpler schema") from error
        # the converter lets strings hold raw control characters, which JSON forbids
        grammar = grammar.replace(r'[^"\\] |', r'[^"\\\x7F\x00-\x1F] |')
        # spaces only after commas and colons: the others cost a token each and say nothing
        return _SPACE.sub(lambda m: (m[1] or "") + (m[2] or "" if m[1] in ('","', '":"') else ""), grammar)

    def tokenize(self, text: str, *, as_served: bool = False) -> list[int]:
        """Token ids of a rendered prompt, its special tokens recognised.

        `as_served`: with what servers such as Ollama put before it, if the file tells them to.
        """
        raw = text.encode("utf-8")
        room = len(raw) + 8
        tokens = (ctypes.c_int32 * room)()
        count = self._c.llama_tokenize(self._vocab, raw, len(raw), tokens, room, as_served, True)
        return tokens[:count]

    def piece(self, token: int) -> bytes:
        """The bytes of a token; none for special tokens."""
        buffer = ctypes.create_string_buffer(256)
        count = self._c.llama_token_to_piece(self._vocab, token, buffer, 256, 0, False)
        return buffer.raw[: max(count, 0)]

    def ends(self, token: int) -> bool:
        """Whether the token ends an answer."""
        return bool(self._c.llama_vocab_is_eog(self._vocab, token))

    @property
    def end_token(self) -> int:
        return int(self._c.llama_vocab_eos(self._vocab))

    # -- the KV cache -------------------------------------------------------------------------

    def keep(self, sequence: int, length: int) -> bool:
        """Forget all but the first `length` tokens. False when this model cannot forget a part."""
        if self._c.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return True
        self._c.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False

    def share(self, source: int, target: int, length: int) -> bool:
        """Let `target` begin with the first `length` tokens of `source`, at no cost."""
        self._c.llama_memory_seq_rm(self._memory, target, -1, -1)
        self._c.llama_memory_seq_cp(self._memory, source, target, 0, length)
        return bool(self._c.llama_memory_seq_pos_max(self._memory, target) == length - 1)

    def forward(self, entries: Sequence[Entry]) -> None:
        """One pass over at most BATCH_TOKENS tokens. Raises ModelError when it fails."""
        batch = self._batch
        batch.n_tokens = len(entries)
        for index, entry in enumerate(entries):
            batch.token[index], batch.pos[index] = entry.token, entry.position
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, entry.sequence
            batch.logits[index] = entry.wants_logits
        if code := self._c.llama_decode(self._context, batch):
            raise ModelError(f"llama.cpp could not go on (llama_decode returned {code})", "lower teacher.context")

    def logits(self, index: int) -> NDArray[np.float32]:
        """The logits of one entry of the last pass; valid until the next."""
        pointer = self._c.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, (self.vocabulary,))

    # -- sampling -----------------------------------------------------------------------------

    def sampler(self, temperature: float, seed: int, grammar: str | None) -> Sampler:
        """A sampler for one answer. A grammar (GBNF) is parsed once for all answers."""
        return Sampler(self, self._chain(temperature, seed), self._grammar(grammar) if grammar else None)

    def _chain(self, temperature: float, seed: int) -> Any:
        c = self._c
        chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        steps = [c.llama_sampler_init_greedy()]
        if temperature > 0:
            steps = [
                c.llama_sampler_init_top_k(40),
                c.llama_sampler_init_top_p(0.95, 1),
                c.llama_sampler_init_min_p(0.05, 1),
                c.llama_sampler_init_temp(temperature),
                c.llama_sampler_init_dist(seed),
            ]
        for step in steps:
            c.llama_sampler_chain_add(chain, step)
        return chain

    def _grammar(self, text: str) -> Any:
        if text not in self._grammars:
            parsed = self._c.llama_sampler_init_grammar(self._vocab, text.encode("utf-8"), b"root")
            if not parsed:
                raise RefusedRequest(
                    "llama.cpp cannot use this JSON schema",
                    "write a simpler one, without double quotes and backslashes in its constants",
                )
            self._grammars[text] = parsed
        return self._c.llama_sampler_clone(self._grammars[text])


class Sampler:
    """Chooses the tokens of one answer.

    The grammar is asked about the sampled token only; when it refuses, the choice is made
    again among the tokens that it allows. That is the same distribution as masking the
    whole vocabulary at each step, at a hundredth of the cost.
    """

    def __init__(self, engine: Engine, chain: Any, grammar: Any | None) -> None:
        self._engine, self._c = engine, engine._c
        self._chain, self._grammar = chain, grammar

    def next(self, index: int) -> int:
        """The token that follows entry `index` of the last pass."""
        token = int(self._c.llama_sampler_sample(self._chain, self._engine._context, index))
        if self._grammar is None:
            return token
        if not self.allows(token):
            again = self._again(self._engine.logits(index))
            if again is None:
                return self._engine.end_token
            token = again
        self._c.llama_sampler_accept(self._grammar, token)
        return token

    def complete(self) -> bool:
        """Whether the grammar lets the answer end here."""
        return self._grammar is not None and self.allows(self._engine.end_token)

    def allows(self, token: int) -> bool:
        """Whether the grammar lets this token come next."""
        candidates = np.array([(token, 0.0, 0.0)], dtype=_CANDIDATE)
        self._apply(self._grammar, candidates)
        return bool(np.isfinite(candidates["logit"][0]))

    def close(self) -> None:
        self._c.llama_sampler_free(self._chain)
        if self._grammar is not None:
            self._c.llama_sampler_free(self._grammar)

    def _again(self, logits: NDArray[np.float32]) -> int | None:
        likely = np.argpartition(logits, -_LIKELY)[-_LIKELY:] if len(logits) > _LIKELY else np.arange(len(logits))
        allowed = self._allowed(likely, logits)
        if not len(allowed):
            allowed = self._allowed(np.arange(len(logits)), logits)
        if not len(allowed):
            return None
        selected = self._apply(self._chain, allowed)
        return int(allowed["id"][selected])

    def _allowed(self, tokens: NDArray[np.intp], logits: NDArray[np.float32]) -> NDArray[Any]:
        candidates = np.zeros(len(tokens), dtype=_CANDIDATE)
        candidates["id"], candidates["logit"] = tokens, logits[tokens]
        self._apply(self._grammar, candidates)
        allowed: NDArray[Any] = candidates[np.isfinite(candidates["logit"])]
        return allowed

    def _apply(self, sampler: Any, candidates: NDArray[Any]) -> int:
        """Run a sampler over candidates, in place; the index of the chosen one, or -1."""
        c = self._c
        data = candidates.ctypes.data_as(c.llama_token_data_p)
        array = c.llama_token_data_array(data=data, size=len(candidates), selected=-1, sorted=False)
        c.llama_sampler_apply(sampler, ctypes.byref(array))
        return int(array.selected)
