# Verified SQL: the teacher writes a small database, a question about it and the query that
# answers it, and then another query for the same question without seeing the first. A row
# is kept when both run and give the same rows, and at least one. The database stands in
# the question, as the student will see it.

EXAMPLE = {
    "database": "CREATE TABLE dogs (name TEXT, age INTEGER);\nINSERT INTO dogs VALUES ('Rex', 3), ('Ida', 7);",
    "question": "Which dogs are older than five?",
    "query": "SELECT name FROM dogs WHERE age > 5",
}
PROBLEM = {
    "type": "object",
    "properties": {
        "database": {"type": "string", "maxLength": 900},
        "question": {"type": "string", "maxLength": 200},
        "query": {"type": "string", "maxLength": 300},
    },
    "required": ["database", "question", "query"],
}
QUERY = {"type": "object", "properties": {"query": {"type": "string", "maxLength": 300}}, "required": ["query"]}
KINDS = [
    "a condition on one column",
    "a count or a sum",
    "two tables that are joined",
    "groups, and one figure for each",
    "the largest or the smallest",
    "a condition on a date or a text",
]
WISH = "\nA person asked for this: " + "; ".join(plan["wishes"]) if plan.get("wishes") else ""
PATIENCE = 24  # problems in a row of which none could be kept


def asking_for(skill, turn):
    about = " about " + skill.replace("_", " ") if skill else ""
    lines = [
        task["about"],
        "Write a small SQLite database" + about + " (series " + str(turn) + ") with six rows or more,",
    ]
    lines.append(
        "a question about its data that needs " + KINDS[turn % len(KINDS)] + ", and the query that answers it."
    )
    if skill in plan.get("notes", {}):
        lines.append(plan["notes"][skill])
    if plan.get("kinds"):
        lines.append("It is " + plan["kinds"][turn % len(plan["kinds"])] + ".")
    return "\n".join(lines) + WISH + "\nExample: " + json.dumps(EXAMPLE)


def is_usable(problem):
    if not isinstance(problem, dict) or not all(isinstance(problem.get(key), str) for key in EXAMPLE):
        return False
    return verify("sql", problem["query"], problem["query"], schema=problem["database"])


def question_of(problem):
    return problem["database"].strip() + "\n\n" + problem["question"].strip()


turn = 0
barren = 0
while remaining()["rows"] and remaining()["calls"] > 1 and barren < PATIENCE:
    missing = remaining()["skills"]
    skills = [skill for skill in missing for _ in range(missing[skill])][: min(8, remaining()["calls"] // 2)]
    prompts = [asking_for(skill, turn + index) for index, skill in enumerate(skills)]
    turn = turn + len(skills)
    written = ask_many(prompts, schema=PROBLEM, max_tokens=500)
    usable = [(skill, reply) for skill, reply in zip(skills, written) if is_usable(reply.data)]
    asking = [quoted(question_of(reply.data)) + "\nWrite the SQLite query that answers it." for _, reply in usable]
    rows = []
    for (skill, reply), second in zip(usable, ask_many(asking, schema=QUERY, temperature=0.2, max_tokens=200)):
        problem, other = reply.data, second.data
        other = other.get("query") if isinstance(other, dict) else None
        if isinstance(other, str) and verify("sql", other, problem["query"], schema=problem["database"]):
            row = {"input": question_of(problem), "output": " ".join(problem["query"].split()), "skill": skill}
            rows.append({**row, "replies": [reply.id, second.id], "meta": {"schema": problem["database"]}})
    barren = 0 if submit(rows).accepted else barren + len(skills)
