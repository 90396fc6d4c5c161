# Label-conditioned messages: for every label that still needs rows, ask the teacher for a
# handful of messages in several styles, and hand them in. What the checks throw away is
# asked for again, in other styles, until the plan is filled or the calls are spent.
#
# Two turns before the prompt show a small teacher what a message is: a customer speaks, and no two
# are alike. It answers in their form, without a word before the list. What changes from prompt to
# prompt stands last, so the teacher reads the rest only once.

import re

EXAMPLE = "For a swimming pool.\nIntent: opening hours\nMeaning: the visitor asks when the pool is open.\nStyle: "
HURRIED = """1. what time do u close tonight
2. is the big pool open on sundays too or just the kids one
3. came at 7 and the door was locked?? when can i swim before work
4. holiday hours pls"""
TOLD = """1. I drove half an hour on Easter Monday and stood in front of a closed gate.
2. The sign outside says nine, your page says ten, and my aqua class is at nine thirty.
3. My shift ends at 20:00, so I never manage to come during the week.
4. Nobody picked up the phone at eight this morning, so I wasn't sure whether to bring the kids."""
TURNS = [
    (EXAMPLE + "lower case, typed in a hurry\nWrite 4 messages.", HURRIED),
    (EXAMPLE + "tells what happened and asks nothing directly\nWrite 4 messages.", TOLD),
]
SYSTEM = (
    task["about"] + "\n"
    "You write such messages, so that a computer can learn to sort them. Each is written by a different customer, "
    "about a different thing, with different words and another beginning. It is always the customer who speaks."
)
TOKENS_PER_MESSAGE = 34
SHOWN = 3  # of the recipe's examples, or of those whose places plan["shown"] names; others in each prompt


def meaning(label):
    return task["labels"][label] or label.replace("_", " ")


def shown_of(label):
    examples = task.get("examples", {}).get(label, [])
    return [examples[i] for i in plan.get("shown", {}).get(label, []) if i < len(examples)] or examples


def prompt_for(label, turn, count):
    lines = ["Now for these customers.", "Intent: " + label.replace("_", " "), "Meaning: " + meaning(label)]
    # nobody has labelled the seeds, so they show the tone and nothing more
    tone = ("How people write, about this or other things. Never repeat these:", [seed[:200] for seed in seeds])
    for words, texts in [("Some of their messages, which you must not repeat:", shown_of(label)), tone]:
        if texts:
            lines.append(words)
            lines += ["- " + texts[(turn * SHOWN + i) % len(texts)] for i in range(min(SHOWN, len(texts)))]
    contrasts = plan["contrasts"].get(label, [])
    if contrasts:  # one at a time, each in its turn: what a prompt adds costs as much as what is written
        lines.append("It is NOT this: " + meaning(contrasts[turn % len(contrasts)]))
    if label in plan.get("notes", {}):
        lines.append(plan["notes"][label])
    if plan["situations"]:
        lines.append("Situation: " + plan["situations"][turn * 3 % len(plan["situations"])])
    if plan.get("personas"):  # another one when the turn of a style comes again
        lines.append("Written by: " + plan["personas"][(turn + turn // len(plan["styles"])) % len(plan["personas"])])
    lines.append("Style: " + style_of(turn))
    lines.append("Write " + str(count) + " messages.")
    return "\n".join(lines)


def style_of(turn):
    return plan["styles"][turn % len(plan["styles"])]


def messages_in(text, count):
    """The lines of a list, without their numbers. The last of too few was cut off, or is beside the point."""
    found = []
    for line in text.split("\n"):
        listed = re.match(r"\s*(?:\d+[.)]|[-*])\s+(.+)", line)
        if listed:
            found.append(listed.group(1).replace("**", "").strip(' "'))
    return found[:count] if len(found) >= count else found[:-1]


def rows_from(label, turn, count, reply):
    rows = []
    for text in messages_in(reply.text, count):
        meta = {"style": style_of(turn), "topic": topic_of(text, plan.get("topics", {}).get(label, []))}
        rows.append({"input": text, "output": label, "skill": label, "replies": [reply.id], "meta": meta})
    return rows


def calls_for(missing, left):
    """Label, turn and number of messages of each next call; one message more than needed where few are."""
    wanted = []
    for label in missing:
        calls = (missing[label] + plan["per_call"] - 1) // plan["per_call"]
        for _ in range(calls):
            count = min(plan["per_call"], missing[label] // calls + 1)
            wanted.append((label, turns[label], count))
            turns[label] = turns[label] + 1
    return wanted[:left]


# each label begins with another style, so that no style belongs to one label
turns = {label: index for index, label in enumerate(task["labels"])}

PATIENCE = 3
barren = 0
while barren < PATIENCE:  # a teacher that only repeats itself is not asked for ever
    missing = remaining()["skills"]
    wanted = calls_for(missing, remaining()["calls"])
    if not wanted:
        break
    prompts = [prompt_for(label, turn, count) for label, turn, count in wanted]
    replies = ask_many(prompts, max_tokens=plan["per_call"] * TOKENS_PER_MESSAGE, system=SYSTEM, turns=TURNS)
    rows = []
    for (label, turn, count), reply in zip(wanted, replies):
        rows = rows + rows_from(label, turn, count, reply)
    barren = 0 if submit(rows).accepted else barren + 1
