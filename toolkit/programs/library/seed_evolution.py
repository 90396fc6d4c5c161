# Seed evolution: take a question, have the teacher turn it into another one (harder, in
# other words, or with a second part), and have it answered. What was accepted becomes a
# seed itself, so later questions are further away from where it began.
#
# From scratch, when there are no seeds, the teacher writes the first ones.

WAYS = plan.get("ways") or [
    "Make it harder: it needs one more step, or one more fact.",
    "Say the same in quite other words, as another kind of person would.",
    "Make it a message in two parts: the same, and something that came before it.",
    *plan.get("wishes", []),
]
LABELS = list(task.get("labels") or [])
ANSWER = {"type": "string", "enum": LABELS} if LABELS else None
LIST = {"type": "array", "items": {"type": "string", "maxLength": 200}, "minItems": 8, "maxItems": 8}
PATIENCE = 3


def evolved(seed, way):
    return task["about"] + "\nHere is one: " + quoted(seed) + "\n" + way + "\nReply with the new one only."


def answered(question):
    if not LABELS:
        return quoted(question) + "\nReply with the answer only."
    meanings = [label + ": " + (task["labels"][label] or label.replace("_", " ")) for label in LABELS]
    return "Labels:\n" + "\n".join(meanings) + "\nWhich label fits this message? " + quoted(question)


def first_seeds():
    replies = ask_many([task["about"] + "\nWrite 8 different ones as a JSON array of strings."] * 2, schema=LIST)
    lists = [reply.data for reply in replies if isinstance(reply.data, list)]
    return [text for texts in lists for text in texts if isinstance(text, str) and text.strip()]


pool = list(seeds) or first_seeds()
turn = 0
barren = 0
while pool and remaining()["rows"] and remaining()["calls"] > 1 and barren < PATIENCE:
    missing = remaining()["skills"]
    count = min(8, remaining()["rows"], remaining()["calls"] // 2)
    prompts = [evolved(random.choice(pool), WAYS[(turn + index) % len(WAYS)]) for index in range(count)]
    questions = ask_many(prompts, max_tokens=120)
    answers = ask_many([answered(question.text.strip()) for question in questions], schema=ANSWER, temperature=0.2)
    gained = 0
    for question, answer in zip(questions, answers):
        output = answer.data if answer.data in LABELS else "" if LABELS else answer.text.strip()
        skill = output if LABELS else next(iter(missing))  # without labels, skills are filled in turn
        if output and skill in remaining()["skills"]:
            row = {
                "input": question.text.strip(),
                "output": output,
                "skill": skill,
                "replies": [question.id, answer.id],
            }
            if submit([row]).accepted:
                gained = gained + 1
                pool.append(question.text.strip())
    turn = turn + count
    barren = 0 if gained else barren + 1
