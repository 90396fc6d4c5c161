"""Programs to fill in, for the engineer's prompt. Each makes rows as it stands."""

from __future__ import annotations

from toolkit.programs import library

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
    # FILL: at least six more ways in which people write
]
HINTS = {
    # FILL: "label": "what a message of this label is about, and what sets it apart from the others",
}
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
    # FILL: at least six more kinds
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
            first, second = ask_many([question + HOW] * 2, max_tokens=250)
            if answer_in(first.text) and answer_in(first.text) == answer_in(second.text):
                row = {"input": question, "output": answer_in(first.text), "skill": skill}
                row["replies"] = [reply.id, first.id, second.id]
                submit([row])
    turn = turn + 1
"""


LIBRARY_SHOWN = ("sql", "python")
"""Kinds of answers that are verified by running them: their skeleton is the library's program."""


def skeleton(answer: str) -> str:
    """The program to fill in for a kind of answer, as `task.answer`."""
    if answer in LIBRARY_SHOWN:
        return library.source(library.program_for(answer))
    return SKELETON if answer == "label" else OPEN_SKELETON
