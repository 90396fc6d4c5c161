# Label-conditioned messages: for every label that still needs rows, ask the teacher for a
# handful of messages in one style, and hand them in. What the checks throw away is asked
# for again, in the next style, until the plan is filled or the calls are spent.

SYSTEM = (
    "You write messages that real people send. Task: " + task["about"] + "\n"
    "Rules: each message is something the customer says in the first person, never an answer to them. "
    "Never write placeholders such as [name]. All messages differ in wording, detail and first word."
)
REPLY = {
    "type": "array",
    "items": {"type": "string", "maxLength": 240},
    "minItems": plan["per_call"],
    "maxItems": plan["per_call"],
}


def prompt_for(label, style, situation, seen):
    lines = [
        "Intent: " + label.replace("_", " "),
        "Meaning: " + (task["labels"][label] or label.replace("_", " ")),
    ]
    for other in plan["contrasts"].get(label, []):
        lines.append("It is NOT about: " + (task["labels"][other] or other.replace("_", " ")))
    if seen:
        lines.append("Already written, so say it differently: " + " | ".join(seen))
    lines.append("Write " + str(plan["per_call"]) + " messages with exactly this intent.")
    lines.append("Style: " + style + ". " + situation)
    return "\n".join(lines)


def rows_from(label, style, reply):
    texts = reply.data if isinstance(reply.data, list) else []
    return [
        {"input": text.strip(), "output": label, "skill": label, "replies": [reply.id], "meta": {"style": style}}
        for text in texts
        if isinstance(text, str)
    ]


written = {label: [] for label in task["labels"]}
turn = {label: index for index, label in enumerate(task["labels"])}

while True:
    left = remaining()
    wanted = [label for label in task["labels"] if left["skills"].get(label, 0) > 0]
    if not wanted or left["calls"] < 1:
        break
    batch = wanted[: left["calls"]]
    prompts = []
    styles = []
    for label in batch:
        style = plan["styles"][turn[label] % len(plan["styles"])]
        situation = plan["situations"][(turn[label] * 3 + turn[label] // 5) % len(plan["situations"])]
        seen = random.sample(written[label], min(3, len(written[label])))
        prompts.append(prompt_for(label, style, situation, seen))
        styles.append(style)
        turn[label] = turn[label] + 1
    replies = ask_many(prompts, schema=REPLY, max_tokens=48 * plan["per_call"], system=SYSTEM)
    for label, style, reply in zip(batch, styles, replies):
        rows = rows_from(label, style, reply)
        submit(rows)
        written[label] = written[label] + [row["input"] for row in rows]
