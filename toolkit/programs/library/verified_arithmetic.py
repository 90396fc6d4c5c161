# Verified arithmetic: the teacher writes a word problem together with the sum that solves
# it. This program works the sum out, and the teacher solves the problem again without it.
# A row is kept when both agree and every number of the sum stands in the problem. The
# answer is the computed one.

import re

EXAMPLE = {"problem": "Ana has 3 boxes of 12 eggs and drops 5 eggs. How many are left?", "sum": "3 * 12 - 5"}
PROBLEM = {
    "type": "object",
    "properties": {
        "problem": {"type": "string", "maxLength": 300},
        "sum": {"type": "string", "maxLength": 40},
    },
    "required": ["problem", "sum"],
}
ALLOWED = re.compile(r"[0-9+\-*/(). ]{3,40}")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
PATIENCE = 24  # problems in a row of which none could be kept


def worked_out(text):
    if not ALLOWED.fullmatch(text) or "**" in text or "//" in text:
        return None
    try:
        return round(float(eval(text)), 6)  # figures and signs only, inside the sandbox
    except Exception:
        return None


def last_number(text):
    found = NUMBER.findall(text.replace(",", ""))
    return round(float(found[-1]), 6) if found else None


def written(value):
    return str(int(value)) if value == int(value) else str(value)


def is_usable(problem):
    if not isinstance(problem, dict) or not all(isinstance(problem.get(key), str) for key in ("problem", "sum")):
        return False
    return all(number in NUMBER.findall(problem["problem"]) for number in NUMBER.findall(problem["sum"]))


def asking_for(skill, turn):
    about = " about " + skill.replace("_", " ") if skill else ""
    lines = [task["about"], "Write a word problem" + about + " with numbers of your own (series " + str(turn) + "),"]
    lines.append("and the sum that solves it. Write all numbers as digits.")
    kinds = plan.get("kinds") or [""]
    wanted = [plan.get("notes", {}).get(skill, ""), kinds[turn % len(kinds)], *plan.get("wishes", [])]
    return "\n".join([*lines, *[text for text in wanted if text], "Example: " + json.dumps(EXAMPLE)])


turn = 0
barren = 0
while remaining()["rows"] and remaining()["calls"] > 1 and barren < PATIENCE:
    missing = remaining()["skills"]
    skills = [skill for skill in missing for _ in range(missing[skill])][: min(8, remaining()["calls"] // 2)]
    turn = turn + 1
    problems = ask_many([asking_for(skill, turn) for skill in skills], schema=PROBLEM, max_tokens=200)
    usable = [
        (skill, problem, worked_out(problem.data["sum"]))
        for skill, problem in zip(skills, problems)
        if is_usable(problem.data)
    ]
    usable = [(skill, problem, value) for skill, problem, value in usable if value is not None]
    solving = [quoted(problem.data["problem"]) + "\nWork it out. End with the number." for _, problem, _ in usable]
    rows = []
    for (skill, problem, value), solution in zip(usable, ask_many(solving, temperature=0.2)):
        if last_number(solution.text) == value:
            names = [problem.id, solution.id]
            rows.append({"input": problem.data["problem"], "output": written(value), "skill": skill, "replies": names})
    barren = 0 if submit(rows).accepted else barren + len(skills)
