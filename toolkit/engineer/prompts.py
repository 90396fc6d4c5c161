"""What the engineer's model is told when it writes a data program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from toolkit.engineer.engineer import Earlier, Situation
from toolkit.engineer.feedback import cut_at_front, feedback, quoted, rejections, what_happened
from toolkit.engineer.skeletons import examples, skeleton
from toolkit.programs import library

MOST_PROGRAM = 4000
MOST_LABELS = 2600
MOST_SEED = 200
"""Characters; longer texts lose their middle or their descriptions, so that the prompt fits a small context."""

SYSTEM = (
    "You are a data engineer. You write one short Python program that asks a teacher model for training examples"
    " and submits them. Reply with exactly one ```python block and nothing else."
)

RULES = """Rules:
- Every text that you submit must come out of a teacher reply. Never write training examples by hand.
- Never use, copy or guess evaluation questions.
- Stay within the budget of calls and rows."""

CONTRACT = """The program is run as it stands, from top to bottom. These names exist already; do not define them:
- task["about"], %(task)s, task["target_rows"], task["min_rows"]
- seeds: a list of questions that people wrote, without answers; it may be empty
- ask_many(prompts, schema=None, max_tokens=None, temperature=None, system=None, turns=None): the teacher's replies to
  a list of prompts, in their order. reply.text is the text, reply.data the parsed JSON when a schema was given (None
  when it did not parse), reply.id its id. turns: pairs (prompt, reply) that show the form of a good reply.
- ask(prompt, ...): one reply.
- submit(rows): rows is a list of dicts %(row)s. It returns a
  receipt: receipt.accepted (count), receipt.rejected (reason -> [count, example]), receipt.still_needed (count).
- remaining(): {"calls": n, "rows": n, "skills": {%(skill)s: rows still needed}}
%(verify)s- quoted(text): somebody's text for use inside of a prompt. log(text)
Only what is submitted counts: printing does nothing. Code inside a function runs only when the function is called.
Near-duplicates and rows with %(wrong)s are rejected, so ask again, in other words, until nothing is needed."""

OF_LABELS = {
    "task": 'task["labels"] (label -> meaning), task["examples"] (label -> a few messages that show the tone)',
    "row": '{"input": message, "output": label, "replies": [reply.id]}',
    "skill": "label",
    "wrong": "an unknown label",
    "verify": "",
}
OF_ANSWERS = {
    "task": 'task["form"] (what an answer looks like)',
    "row": '{"input": question, "output": answer, "skill": skill, "replies": [reply.id]}',
    "skill": "skill",
    "wrong": "an answer that cannot be scored",
    "verify": """- verify(kind, answer, expected, ...): True when the answer is right.
  verify("sql", query, expected_query, schema=script) runs both queries; verify("python", code, tests=[asserts])
  runs the tests; verify("number", "3 km", "3000 m") compares.
""",
}

LIMITS = """The program runs in a sandbox with a part of Python.
It has: json, re, random, math, collections, itertools, datetime, dataclasses, functools, csv, decimal, copy, typing,
hashlib; functions, classes, lambdas, f-strings, try/except.
It has no: yield, with open(...), string, textwrap, statistics, enum, uuid, heapq, os, sys, requests, and no file,
network or environment."""


FILL_IT = "Fill the place marked FILL in this skeleton, or write a better program; with that place empty it is not run:"
EXAMPLES = """Programs of the library, to learn from and not to copy. They take words and numbers from `plan`, in which
yours finds none: write your own."""
CHARACTERS_PER_TOKEN = 3
"""Of programs and English, rather too few than too many; any other letter is counted as a token."""


def code_prompt(situation: Situation, room: int = 0) -> str:
    """The prompt for the next program: draft, debug, repair or improve.

    Args:
        room: tokens that the prompt may take; a draft's is given as many examples as fit. 0: none.
    """
    earlier = situation.earlier
    contract = CONTRACT % (OF_LABELS if situation.answer == "label" else OF_ANSWERS)
    parts = [_task(situation), contract, LIMITS, RULES, _seeds(situation), _notes(situation)]
    if earlier is None:
        known = feedback(situation)
        ending = [
            f"{FILL_IT}\n{_block(skeleton(situation.answer))}",
            f"What is known of the student:\n{known}" if known else "",
            "Write the whole program.",
        ]
        parts += [_examples(situation.answer, room - tokens("\n\n".join([SYSTEM, *parts, *ending]))), *ending]
    else:
        parts += _revision(situation, earlier)
    return "\n\n".join(part for part in parts if part)


def tokens(text: str) -> int:
    """About how many tokens a text has, on the safe side."""
    plain = sum(letter.isascii() for letter in text)
    return -(-plain // CHARACTERS_PER_TOKEN) + len(text) - plain


def _examples(answer: str, room: int) -> str:
    """Those library programs that fit into `room` tokens; empty when none does."""
    return "\n".join([EXAMPLES, *found]) if (found := list(_fitting(answer, room - tokens(EXAMPLES)))) else ""


def _fitting(answer: str, room: int) -> Iterator[str]:
    for name in examples(answer):
        block = f"```python\n{library.source(name).strip()}\n```"
        if (taken := tokens(block) + 1) <= room:
            room -= taken
            yield block


def _task(situation: Situation) -> str:
    labelled = situation.answer == "label"
    learns = "sort messages" if labelled else "answer questions"
    return "\n".join(
        [
            f"Task: a small student model learns to {learns}. {situation.about}",
            *(["Labels:" if labelled else "Skills:", *_labels(situation.labels)] if any(situation.labels) else []),
            f"Budget: {situation.calls} teacher calls, {situation.rows} rows;"
            f" with fewer than {situation.least} valid rows the program has failed.",
        ]
    )


def _seeds(situation: Situation) -> str:
    """A few of the seeds; at level `bit` none."""
    if not situation.seeds or situation.feedback == "bit":
        return ""
    return "\n".join(["Some of the seeds:", *(f"- {quoted(seed[:MOST_SEED])}" for seed in situation.seeds)])


def _labels(labels: Mapping[str, str]) -> list[str]:
    room = MOST_LABELS // max(1, len(labels))
    return [f"- {name}: {about}"[: max(room, len(name) + 2)].rstrip(": ") for name, about in labels.items()]


def _notes(situation: Situation) -> str:
    if not situation.notes:
        return ""
    return "\n".join(["The person who runs this asks for:", *(f"- {note}" for note in situation.notes)])


def _revision(situation: Situation, earlier: Earlier) -> list[str]:
    if situation.operation == "improve":
        return [
            f"This program made the best data so far:\n{_block(earlier.program)}",
            f"What its student learned:\n{feedback(situation)}",
            *filter(None, [rejections(earlier)]),
            "Write the whole program anew so that the next data mend these weaknesses.",
        ]
    if earlier.problem and earlier.problem.error_class in ("code extraction failed", "LLM output truncated"):
        return [
            f"Your last reply could not be used: {cut_at_front(earlier.problem.text)}",
            f"It began with:\n{quoted(_cut(earlier.program, 700))}",
            f"{FILL_IT}\n{_block(skeleton(situation.answer))}",
            "Write the whole program.",
        ]
    return [
        f"This program failed:\n{_block(earlier.program)}",
        f"What happened: {what_happened(earlier)}",
        "Find the mistake and write the whole corrected program.",
    ]


def _block(program: str) -> str:
    return f"```python\n{_cut(program.strip(), MOST_PROGRAM)}\n```"


def _cut(text: str, most: int) -> str:
    """The text without its middle when it is too long."""
    return text if len(text) <= most else f"{text[: most // 2]}\n# … cut …\n{text[-most // 2 :]}"
