# Record first: make up a record (a name, a place, an amount …), have the teacher write a
# message that mentions every value, and keep it only when each value is really there. The
# answer is the record, so it is right by construction, whatever the teacher's arithmetic.
#
# task["fields"]: the fields that the task's answers have, each "text" or "number".
# plan["fields"]: field -> its values, or a few words that tell the teacher what to list.

import re

KINDS = task.get("fields") or {}
FIELDS = plan.get("fields") or {
    field: field.replace("_", " ") + (" (numbers, in digits)" if KINDS[field] == "number" else "") for field in KINDS
}
FIELDS = FIELDS or {
    "name": "full names of people",
    "city": "cities",
    "product": "things that a shop sells",
    "amount": ["4.99", "12.50", "37", "86.20", "149", "310.75"],
}
NUMBER = re.compile(r"-?\d+(\.\d+)?")
PATIENCE = 24  # texts in a row of which none could be kept
LIST = {"type": "array", "items": {"type": "string", "maxLength": 40}, "minItems": 12, "maxItems": 12}


def values_of(field):
    listed = FIELDS[field]
    if not isinstance(listed, list):
        asked = "List 12 different values of this: " + listed + ". They are for: " + task["about"]
        listed = ask(asked + "\nReply with a JSON array of strings.", schema=LIST).data
    found = []
    for value in listed if isinstance(listed, list) else []:
        if isinstance(value, str) and typed(field, value) is not None and value.strip() not in found:
            found.append(value.strip())
    return found


def typed(field, value):
    # the value as the answer has it; nothing when it cannot be one of this field
    if KINDS.get(field) != "number":
        return value.strip() or None
    if not NUMBER.fullmatch(value.strip()):
        return None
    return float(value) if "." in value else int(value)


def is_in(value, text):
    return re.search(r"(^|\W)" + re.escape(value.lower()) + r"($|\W)", text.lower()) is not None


def holds(record, text):
    # every value is there, and no other value that the field could have had
    for field in record:
        if [value for value in values[field] if is_in(value, text) and not is_in(value, record[field])]:
            return False
    return all(is_in(value, text) for value in record.values())


def prompt_for(record):
    wish = " " + random.choice(plan["wishes"]) if plan.get("wishes") else ""
    facts = "\n".join("- " + field + ": " + value for field, value in record.items())
    return (
        task["about"]
        + wish
        + "\nWrite one message that mentions all of this, each value exactly as it stands here:\n"
        + facts
    )


values = {field: values_of(field) for field in FIELDS}
for field in FIELDS:
    if not values[field]:
        log("the teacher listed no values for " + field)
barren = 0
while all(values.values()) and remaining()["skills"] and remaining()["calls"] and barren < PATIENCE:
    missing = remaining()["skills"]
    skills = [skill for skill in missing for _ in range(missing[skill])][: min(16, remaining()["calls"])]
    records = [{field: random.choice(found) for field, found in values.items()} for _ in skills]
    replies = ask_many([prompt_for(record) for record in records], max_tokens=160)
    rows = []
    for skill, record, reply in zip(skills, records, replies):
        if holds(record, reply.text):
            answer = json.dumps({field: typed(field, value) for field, value in record.items()}, ensure_ascii=False)
            rows.append({"input": reply.text.strip(), "output": answer, "skill": skill, "replies": [reply.id]})
    barren = 0 if submit(rows).accepted else barren + len(skills)
