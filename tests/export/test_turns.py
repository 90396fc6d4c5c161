"""Chat templates of several families, translated for Ollama and checked against Jinja."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from toolkit.errors import ExportError
from toolkit.export.turns import Render, learn_turns
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
    compiled = ImmutableSandboxedEnvironment().from_string(template)

    def render(messages: Sequence[Message], prompt: bool) -> str:
        return str(compiled.render(messages=messages, add_generation_prompt=prompt))

    return render


@pytest.mark.parametrize("template", [CHATML, LLAMA3, GEMMA])
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


def test_the_go_template_holds_every_text_once_more() -> None:
    template = learn_turns(renderer(CHATML)).go_template()
    assert "{{- range $i, $m := .Messages }}" in template
    assert '{{ "<|im_start|>system\\n" }}' in template
    assert '{{ "<|im_start|>system\\nYou are kind.<|im_end|>\\n<|im_start|>user\\n" }}' in template
    assert template.endswith('{{- end }}{{ "<|im_end|>\\n<|im_start|>assistant\\n" }}')
    assert template.count("{{- if") + template.count("{{- range") == template.count("{{- end }}")
