"""The first lines of every data program: they run inside the sandbox, not here.

They turn the host's plain functions into the contract that programs are written against:
`ask`, `ask_many`, `submit`, `remaining`, `verify`, `log`. This file is read as text.
"""

import json
import random
import re


class Reply:
    """One teacher reply: `.text` as written, `.data` when a schema was given and it parsed, `.id`."""

    def __init__(self, raw):
        self.id = raw["id"]
        self.text = raw["text"]
        self.data = raw["data"]


class Receipt:
    """What became of submitted rows: `.accepted`, `.rejected` (reason -> count, example), `.still_needed`."""

    def __init__(self, raw):
        self.accepted = raw["accepted"]
        self.rejected = raw["rejected"]
        self.still_needed = raw["still_needed"]


def ask_many(prompts, temperature=None, max_tokens=None, schema=None, system=None, turns=None):
    """Ask the teacher many prompts at once; replies come in the order of the prompts.

    `turns` are pairs (prompt, reply) that stand before each prompt, to show the form of a good reply.
    """
    if isinstance(prompts, str):
        raise TypeError("ask_many takes a list of prompts; ask takes one")
    options = {"temperature": temperature, "max_tokens": max_tokens, "schema": schema, "system": system, "turns": turns}
    return [Reply(raw) for raw in host_ask(list(prompts), options)]


def ask(prompt, temperature=None, max_tokens=None, schema=None, system=None, turns=None):
    """Ask the teacher one prompt."""
    return ask_many([prompt], temperature, max_tokens, schema, system, turns)[0]


def submit(rows):
    """Hand in rows: dicts with `input`, `output` and `replies`, the ids of the replies they came from."""
    if isinstance(rows, dict):
        raise TypeError("submit takes a list of rows; write submit([row])")
    return Receipt(host_submit(list(rows)))


def remaining():
    """What is left of this attempt's budget: `calls`, `rows`, `seconds`, and `skills` (rows by skill)."""
    return host_remaining()


def topic_of(text, topics):
    """The first of the topics that has a long word in common with a text; "" when none has."""
    said = set(re.findall(r"\w{5,}", text.lower()))
    found = [topic for topic in topics if said & set(re.findall(r"\w{5,}", topic.lower()))]
    return found[0] if found else ""


def verify(kind, answer, expected="", **more):
    """Whether an answer is right by the scorer of a kind, such as "sql" (schema=…) or "python" (tests=…)."""
    return host_verify(kind, answer, expected, more)


def quoted(text):
    """Somebody's text inside of a prompt, between tags that it cannot close itself."""
    return "<text>" + re.sub(r"</(\s*text)", r"<\\/\1", str(text), flags=re.IGNORECASE) + "</text>"


def log(text):
    """Write a line into the run's log."""
    host_log(str(text))
