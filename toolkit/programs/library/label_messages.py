# Label-conditioned messages: for every label that still needs rows, ask the teacher for a
# handful of messages in several styles, and hand them in. What the checks throw away is
# asked for again, in other styles, until the plan is filled or the calls are spent.
#
# What changes from prompt to prompt stands last, so the teacher reads the rest only once.

SYSTEM = (
    "You play customers who write a message. " + task["about"] + "\n"
    "Each message is one or two short sentences, said by the customer, never an answer to the customer. "
    "Every message is from a different person with a different story, thing and wording.\n"
    "Reply with a JSON array of strings."
)
REPLY = {
    "type": "array",
    "items": {"type": "string", "maxLength": 130},
    "minItems": plan["per_call"],
    "maxItems": plan["per_call"],
}
EXPECTED_YIELD = 0.85


def prompt_for(label, style, situation):
    lines = [
        "Intent: " + label.replace("_", " "),
        "Meaning: " + (task["labels"][label] or label.replace("_", " ")),
    ]
    for other in plan["contrasts"].get(label, []):
        lines.append("It is NOT this: " + (task["labels"][other] or other.replace("_", " ")))
    lines.append("Write " + str(plan["per_call"]) + " messages with exactly this meaning.")
    lines.append("Style: " + style + ". " + situation)
    return "\n".join(lines)


def rows_from(label, style, reply):
    texts = reply.data if isinstance(reply.data, list) else []
    return [
        {"input": text.strip(), "output": label, "skill": label, "replies": [reply.id], "meta": {"style": style}}
        for text in texts
        if isinstance(text, str)
    ]


def calls_for(missing):
    calls = int(missing / (plan["per_call"] * EXPECTED_YIELD) + 0.5)
    return max(1, min(calls, remaining()["calls"]))


turn = {label: index for index, label in enumerate(task["labels"])}

PATIENCE = 3
barren = 0
while barren < PATIENCE:  # a teacher that only repeats itself is not asked for ever
    gained = 0
    missing = remaining()["skills"]
    if not missing:
        break
    for label in missing:
        if remaining()["calls"] < 1:
            break
        prompts = []
        styles = []
        for _ in range(calls_for(missing[label])):
            style = plan["styles"][turn[label] % len(plan["styles"])]
            situation = plan["situations"][(turn[label] * 3 + turn[label] // 5) % len(plan["situations"])]
            prompts.append(prompt_for(label, style, situation))
            styles.append(style)
            turn[label] = turn[label] + 1
        replies = ask_many(prompts, schema=REPLY, max_tokens=48 * plan["per_call"], system=SYSTEM)
        for style, reply in zip(styles, replies):
            gained = gained + submit(rows_from(label, style, reply)).accepted
    barren = 0 if gained else barren + 1
