# Votes: the teacher writes a question and answers it several times without seeing its
# other answers. The row is kept when enough of them agree (self-consistency, Wang et al.
# 2023): a teacher that only guesses seldom guesses the same thing twice.
#
# plan["votes"]: answers for each question; plan["agreement"]: the share that must agree.

import collections

VOTES = plan.get("votes") or 5
AGREEMENT = plan.get("agreement") or 0.8
LABELS = list(task.get("labels") or [])
ANSWER = {"type": "string", "enum": LABELS} if LABELS else None
FORM = task.get("form") or "…"
LIST = {"type": "array", "items": {"type": "string", "maxLength": 200}, "minItems": 4, "maxItems": 4}
PATIENCE = 3


def asking_for(skill, turn):
    meaning = (task.get("labels") or {}).get(skill) or skill.replace("_", " ")
    about = " about: " + meaning + "." if meaning else "."
    lines = [task["about"], "Write 4 different ones" + about + " Series " + str(turn) + ", as a JSON array."]
    if skill in plan.get("notes", {}):
        lines.append(plan["notes"][skill])
    if plan.get("kinds"):
        lines.append("Each is " + plan["kinds"][turn % len(plan["kinds"])] + ".")
    if plan.get("wishes"):
        lines.append("A person asked for this: " + "; ".join(plan["wishes"]))
    if seeds:
        lines.append("One that somebody wrote, which you must not repeat: " + quoted(random.choice(seeds)))
    return "\n".join(lines)


def answering(question):
    if not LABELS:
        return (
            quoted(question) + "\nThink it through in two or three sentences. Write the last line as: Answer: " + FORM
        )
    meanings = [label + ": " + (task["labels"][label] or label.replace("_", " ")) for label in LABELS]
    return "Labels:\n" + "\n".join(meanings) + "\nWhich label fits this message? " + quoted(question)


def vote_in(reply):
    if LABELS:
        return reply.data if reply.data in LABELS else None
    return reply.text.split("Answer:")[-1].strip(" .\n") if "Answer:" in reply.text else None


def elected(replies):
    # the answer that most replies give, with the replies that gave it; nothing when too few agree
    given = [(vote_in(reply), reply) for reply in replies]
    counts = collections.Counter(vote for vote, _ in given if vote)
    winner = max(counts, key=lambda vote: counts[vote]) if counts else None
    if winner is None or counts[winner] < AGREEMENT * len(replies):
        return None, []
    return winner, [reply.id for vote, reply in given if vote == winner]


turn = 0
barren = 0
while remaining()["rows"] and barren < PATIENCE:
    gained = 0
    turn = turn + 1
    for skill in remaining()["skills"]:
        if remaining()["calls"] < 1 + VOTES:
            break
        written = ask(asking_for(skill, turn), schema=LIST, max_tokens=300)
        for question in written.data if isinstance(written.data, list) else []:
            if not isinstance(question, str) or remaining()["calls"] < VOTES or skill not in remaining()["skills"]:
                continue
            winner, voters = elected(ask_many([answering(question)] * VOTES, schema=ANSWER, temperature=0.7))
            if winner and (not LABELS or winner == skill):
                row = {"input": question.strip(), "output": winner, "skill": skill, "replies": [written.id, *voters]}
                gained = gained + submit([row]).accepted
    barren = 0 if gained else barren + 1
    if remaining()["calls"] < 1 + VOTES:
        break
