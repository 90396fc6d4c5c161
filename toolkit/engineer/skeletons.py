"""Programs to fill in, and examples of others, for the engineer's prompt.

A skeleton has one small place to fill. It would make rows as it stands, but then nobody would have
written it: such a reply is no draft (`toolkit.engineer.gaps`).
"""

from __future__ import annotations

from toolkit.engineer.gaps import Gap, texts_in, with_texts
from toolkit.programs import library

STYLES = Gap("STYLES", "ways in which people write")
KINDS = Gap("KINDS", "kinds of questions")

SKELETON = '''import random
import re

# a small teacher follows an example of another trade better than a description
EXAMPLE = """Example, for a swimming pool.
Meaning: the visitor asks when the pool is open.
Style: typed in a hurry
1. what time do u close tonight
2. came at 7 and the door was locked?? when can i swim before work
3. holiday hours pls"""
STYLES = [
    "in a hurry, all lower case",
    "two polite sentences",
    # FILL: at least 6 more ways in which people write
]
HINTS = {}  # where two labels are confused: label -> what sets its messages apart from the other's
SYSTEM = task["about"] + " You write such messages, each by a different customer, in other words.\\n" + EXAMPLE


def prompt_for(label, style):
    lines = ["Now for these customers.", "Meaning: " + (task["labels"][label] or label.replace("_", " "))]
    lines.append(HINTS.get(label, ""))
    known = task["examples"].get(label, [])
    if known:
        lines.append("One of their messages, which you must not repeat: " + random.choice(known))
    lines.append("Style: " + style)
    lines.append("Write 5 messages.")
    return "\\n".join(lines)


def messages_in(text):
    numbered = [re.match(r"\\s*\\d+[.)]\\s+(.+)", line) for line in text.split("\\n")]
    return [found.group(1) for found in numbered if found]


turn = 0
while True:
    left = remaining()
    labels = list(left["skills"])[: left["calls"]]
    if not labels:
        break
    prompts = [prompt_for(label, STYLES[(turn + i) % len(STYLES)]) for i, label in enumerate(labels)]
    replies = ask_many(prompts, system=SYSTEM, max_tokens=180)
    for label, reply in zip(labels, replies):
        submit([{"input": text, "output": label, "replies": [reply.id]} for text in messages_in(reply.text)])
    turn = turn + 1
'''

OPEN_SKELETON = """import re

KINDS = [
    "an everyday one",
    "a harder one, that needs two steps",
    # FILL: at least 6 more kinds of questions
]


def prompt_for(skill, kind):
    lines = [task["about"], "Write 4 different ones, numbered, without their answers."]
    if skill:
        lines.append("About: " + skill.replace("_", " "))
    lines.append("Each is " + kind + ".")
    return "\\n".join(lines)


def questions_in(text):
    numbered = [re.match(r"\\s*\\d+[.)]\\s+(.+)", line) for line in text.split("\\n")]
    return [found.group(1) for found in numbered if found]


def answer_in(text):
    return text.split("Answer:")[-1].strip(" .\\n") if "Answer:" in text else ""


HOW = "\\nThink it through in two or three sentences. Write the last line as: Answer: " + task["form"]
turn = 0
while True:
    left = remaining()
    skills = list(left["skills"])[: left["calls"] // 9]
    if not skills:
        break
    prompts = [prompt_for(skill, KINDS[(turn + i) % len(KINDS)]) for i, skill in enumerate(skills)]
    for skill, reply in zip(skills, ask_many(prompts, max_tokens=300)):
        for question in questions_in(reply.text)[:4]:
            # a teacher that only guesses seldom guesses the same thing twice
            first, second = ask_many([quoted(question) + HOW] * 2, max_tokens=250)
            if answer_in(first.text) and answer_in(first.text) == answer_in(second.text):
                row = {"input": question, "output": answer_in(first.text), "skill": skill}
                row["replies"] = [reply.id, first.id, second.id]
                submit([row])
    turn = turn + 1
"""


LIBRARY_SHOWN = ("sql", "python")
"""Kinds of answers that are verified by running them: their skeleton is the library's program."""

SHOWN_TEXTS = 2
"""Texts of the library's own list that such a skeleton keeps."""

OTHER_IDEAS = {"number": "verified_arithmetic", "judged": "votes"}
"""Kind of answer -> a library program that goes another way than the one for this kind; else seeds that evolve."""


def gap(answer: str) -> Gap:
    """The place to fill in the skeleton for a kind of answer."""
    return STYLES if answer == "label" else KINDS


def skeleton(answer: str) -> str:
    """The program to fill in for a kind of answer, as `task.answer`."""
    if answer in LIBRARY_SHOWN:
        program = library.source(library.program_for(answer))
        return with_texts(program, KINDS, texts_in(program, KINDS)[:SHOWN_TEXTS], KINDS.mark)
    return SKELETON if answer == "label" else OPEN_SKELETON


def examples(answer: str) -> list[str]:
    """Names of library programs to learn from: the one for this kind of answer, unless the skeleton is it already,
    and one with another idea.
    """
    fitting = [] if answer in LIBRARY_SHOWN else [library.program_for(answer)]
    return [*fitting, OTHER_IDEAS.get(answer, "seed_evolution")]
