"""Chat templates of several families, translated for Ollama and checked against Jinja."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tiny_model import QWEN3, make_tiny

from toolkit.errors import ExportError
from toolkit.export.hf_child import copy_beside
from toolkit.export.inspect_child import inspect_folder
from toolkit.export.turns import Render, learn_turns, settled
from toolkit.models.hf_folder import hf_folder
from toolkit.models.llama_native import Engine
from toolkit.types import Message

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}<|im_start|>system\n"
    "You are kind.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{% for message in messages %}{% if loop.first %}<|begin_of_text|>{% endif %}<|start_header_id|>"
    "{{ message['role'] }}<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "<bos>{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
    "{% for message in rest %}<start_of_turn>{{ 'model' if message['role'] == 'assistant' else 'user' }}\n"
    "{% if loop.first %}{{ first }}{% endif %}{{ message['content'] }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
LAST_SYSTEM = (  # as later Mistral templates: the system message stands in the last turn
    "<s>{% for message in messages %}{% if message['role'] == 'user' %}[INST] {% if loop.last and "
    "messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}\n\n{% endif %}{{ message['content'] }}[/INST]"
    "{% elif message['role'] == 'assistant' %} {{ message['content'] }}</s>{% endif %}{% endfor %}"
)


def renderer(template: str) -> Render:
    return rendering(template, enable_thinking=False)


def rendering(template: str, **said: bool) -> Render:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # as programs render
    compiled = environment.from_string(template)

    def render(messages: Sequence[Message], prompt: bool) -> str:
        return str(compiled.render(messages=messages, add_generation_prompt=prompt, **said))

    return render


@pytest.mark.parametrize("template", [CHATML, LLAMA3, GEMMA, QWEN3])
def test_conversations_are_rendered_as_jinja_renders_them(template: str) -> None:
    turns = learn_turns(renderer(template))
    for system in ([], [{"role": "system", "content": 'Be brief: a "quote" and {{ braces }}.'}]):
        talk = [*system]
        for n in range(3):
            talk.append({"role": "user", "content": f"question {n}\nwith two lines"})
            assert turns.render(talk) == renderer(template)(talk, True)  # type: ignore[arg-type]
            talk.append({"role": "assistant", "content": f"answer {n}"})


def test_a_template_that_moves_the_system_message_is_refused() -> None:
    with pytest.raises(ExportError, match="does more than writing text between messages"):
        learn_turns(renderer(LAST_SYSTEM))


def test_a_thought_stands_before_the_answer_that_is_asked_only() -> None:
    turns = learn_turns(renderer(QWEN3))
    assert turns.asked == f"{turns.answer}<think>\n\n</think>\n\n"
    assert turns.go_template().endswith('{{ "<|im_end|>\\n<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n" }}')


@pytest.mark.parametrize("said", [{}, {"enable_thinking": True}])
def test_an_exported_template_renders_as_trained_whatever_a_program_says(said: dict[str, bool]) -> None:
    talk: list[Message] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    assert rendering(settled(QWEN3), **said)(talk, True) == renderer(QWEN3)(talk, True)
    assert rendering(QWEN3, **said)(talk, True) != renderer(QWEN3)(talk, True)
    assert settled(CHATML) == CHATML


def test_llama_cpp_asks_without_thinking_and_the_gate_asks_as_programs_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llama_cpp")
    monkeypatch.setattr(Engine, "__init__", lambda self: None)
    monkeypatch.setattr(Engine, "chat_template", lambda self: QWEN3)
    monkeypatch.setattr(Engine, "_text", lambda self, which: "")
    asked: list[Message] = [{"role": "user", "content": "hello"}]
    engine = Engine()  # type: ignore[call-arg]
    assert engine.renderer()(asked) == renderer(QWEN3)(asked, True)
    assert engine.renderer(as_served=True)(asked) == rendering(QWEN3)(asked, True)


def test_an_exported_folder_is_served_as_its_student_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    base, out = hf_folder(make_tiny(tmp_path, QWEN3)), tmp_path / "out"
    out.mkdir()
    copy_beside(base, out)
    prompts: list[list[Message]] = [[{"role": "user", "content": "hello"}]]
    trained = inspect_folder(base, prompts, as_served=False)
    assert inspect_folder(out, prompts, as_served=True)["ids"] == trained["ids"]
    assert inspect_folder(base, prompts, as_served=True)["ids"] != trained["ids"], "the gate would see it"


def test_the_go_template_holds_every_text_once_more() -> None:
    template = learn_turns(renderer(CHATML)).go_template()
    assert "{{- range $i, $m := .Messages }}" in template
    assert '{{ "<|im_start|>system\\n" }}' in template
    assert '{{ "<|im_start|>system\\nYou are kind.<|im_end|>\\n<|im_start|>user\\n" }}' in template
    assert template.endswith('{{- end }}{{ "<|im_end|>\\n<|im_start|>assistant\\n" }}')
    assert template.count("{{- if") + template.count("{{- range") == template.count("{{- end }}")
