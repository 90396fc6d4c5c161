# Verified Python: the teacher writes a small exercise with a solution and tests, and then
# solves it again without seeing the first solution. A row is kept when both pass the tests,
# and when the tests are worth something: a function that returns nothing must fail them.

import re

EXAMPLE = {
    "exercise": "Write a function shout(text) that returns the text in capital letters with a ! behind it.",
    "code": "def shout(text):\n    return text.upper() + '!'",
    "tests": ["assert shout('no') == 'NO!'", "assert shout('') == '!'", "assert shout('A b') == 'A B!'"],
}
PROBLEM = {
    "type": "object",
    "properties": {
        "exercise": {"type": "string", "maxLength": 300},
        "code": {"type": "string", "maxLength": 600},
        "tests": {"type": "array", "items": {"type": "string", "maxLength": 120}, "minItems": 3, "maxItems": 5},
    },
    "required": ["exercise", "code", "tests"],
}
CODE = {"type": "object", "properties": {"code": {"type": "string", "maxLength": 600}}, "required": ["code"]}
KINDS = ["texts", "lists", "numbers", "dictionaries", "dates as texts", "sorting", "counting"]
WISH = "\nA person asked for this: " + "; ".join(plan["wishes"]) if plan.get("wishes") else ""
PATIENCE = 24  # exercises in a row of which none could be kept


def asking_for(skill, turn):
    about = " about " + skill.replace("_", " ") if skill else ""
    lines = [
        task["about"],
        "Write a small exercise" + about + " for one Python function on " + KINDS[turn % len(KINDS)],
    ]
    lines.append("(series " + str(turn) + "), its solution, and asserts. The exercise names the function.")
    if skill in plan.get("notes", {}):
        lines.append(plan["notes"][skill])
    if plan.get("kinds"):
        lines.append("It is " + plan["kinds"][turn % len(plan["kinds"])] + ".")
    return "\n".join(lines) + WISH + "\nExample: " + json.dumps(EXAMPLE)


def is_usable(problem):
    if not isinstance(problem, dict) or not all(isinstance(problem.get(key), str) for key in ("exercise", "code")):
        return False
    tests, named = problem.get("tests"), re.search(r"def (\w+)", problem["code"])
    if not named or not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        return False
    name = named.group(1)
    if len(tests) < 2 or name not in problem["exercise"] or not all(name in test for test in tests):
        return False
    empty = "def " + name + "(*given, **named):\n    return None"
    return verify("python", problem["code"], tests=tests) and not verify("python", empty, tests=tests)


turn = 0
barren = 0
while remaining()["rows"] and remaining()["calls"] > 1 and barren < PATIENCE:
    missing = remaining()["skills"]
    skills = [skill for skill in missing for _ in range(missing[skill])][: min(8, remaining()["calls"] // 2)]
    prompts = [asking_for(skill, turn + index) for index, skill in enumerate(skills)]
    turn = turn + len(skills)
    written = ask_many(prompts, schema=PROBLEM, max_tokens=500)
    usable = [(skill, reply) for skill, reply in zip(skills, written) if is_usable(reply.data)]
    asking = [quoted(reply.data["exercise"]) + "\nReply with the function only." for _, reply in usable]
    rows = []
    for (skill, reply), second in zip(usable, ask_many(asking, schema=CODE, temperature=0.2, max_tokens=300)):
        problem, other = reply.data, second.data
        other = other.get("code") if isinstance(other, dict) else None
        if isinstance(other, str) and verify("python", other, tests=problem["tests"]):
            row = {"input": problem["exercise"].strip(), "output": problem["code"].strip(), "skill": skill}
            rows.append({**row, "replies": [reply.id, second.id], "meta": {"tests": problem["tests"]}})
    barren = 0 if submit(rows).accepted else barren + len(skills)
