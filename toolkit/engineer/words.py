"""Narrow questions to the engineer's model. Each answer has a small JSON schema and is checked.

A small model cannot plan a lesson, but it can say what tells two labels apart. What it says
is used only when it can be of use; the rest is dropped and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from toolkit.engineer.engineer import EngineerModel, Situation
from toolkit.engineer.feedback import shown_cases
from toolkit.models.reading import json_of
from toolkit.types import Json

SYSTEM = (
    "You help a data engineer to plan training messages for a small student model. Answer the question in JSON."
    " Never write the training messages themselves, never use or guess evaluation questions, and be brief: each"
    " answer is paid from the budget."
)
OPEN_SYSTEM = SYSTEM.replace("messages", "questions").replace("evaluation questions", "evaluation items")
"""The same for tasks whose answers are no labels."""

MOST_CASES = 3
"""Questions that went wrong, in one narrow question."""

SHORTEST, LONGEST = 6, 140
_LETTERS = re.compile(r"[^\W\d_]{3}")
_PLACEHOLDER = re.compile(r"[\[\]{}<>]|\.\.\.|…")


@dataclass
class Words:
    """Asks the questions of one attempt.

    Args:
        dropped: question -> how many of its answers were of no use.
    """

    model: EngineerModel
    situation: Situation
    dropped: Counter[str] = field(default_factory=Counter)
    _asked: int = 0

    def styles(self, known: Iterable[str], count: int = 3) -> list[str]:
        """Ways of writing that are not among the known ones; what a person asked for comes first."""
        known = list(known)
        wishes = [f"Every style must do this: {note}" for note in self.situation.notes]
        return self._list(
            "styles",
            [
                f"The messages: {self.situation.about}",
                f"Known styles: {'; '.join(known)}.",
                *self._narrow(),
                *wishes,
                f"Name {count} other styles in which such messages are written, each in 3 to 10 words.",
            ],
            count,
            known,
        )

    def kinds(self, known: Iterable[str], count: int = 3) -> list[str]:
        """Kinds of questions that are not among the known ones, for tasks whose answers are no labels."""
        known = list(known)
        wishes = [f"Every kind must do this: {note}" for note in self.situation.notes]
        return self._list(
            "kinds",
            [
                f"The questions: {self.situation.about}",
                f"Known kinds: {'; '.join(known)}.",
                *self._narrow(),
                *wishes,
                f"Name {count} other kinds of such questions, easier and harder ones, each in 3 to 10 words.",
            ],
            count,
            known,
        )

    def topics(self, label: str, known: Iterable[str] = (), count: int = 3) -> list[str]:
        """Concrete things that messages of a label, or questions of a skill, may be about."""
        one = "message" if self.situation.answer == "label" else "question"
        lines = [self._meaning(label), f"Name {count} different concrete things that such a {one} may be about."]
        if self.situation.answer != "label":
            lines.insert(0, f"The questions: {self.situation.about}")
        lines += [*self._narrow(label), *self._cases({label})]
        known = list(known)
        if known:
            lines.append(f"Not these: {'; '.join(known)}.")
        return self._list("topics", lines, count, known)

    def contrast(self, first: str, second: str) -> tuple[str, str] | None:
        """For two labels that the student confuses: what each says that the other does not."""
        text = {"type": "string", "maxLength": LONGEST}
        schema = {"type": "object", "properties": {"first": text, "second": text}, "required": ["first", "second"]}
        lines = [
            "A student confuses these two kinds of messages.",
            f"First: {self._meaning(first)}",
            f"Second: {self._meaning(second)}",
            *self._cases({first, second}),
            "What does a message of the first kind say that one of the second never says, and the other way round?"
            " One short sentence each.",
        ]
        answer = self._answer(lines, schema)
        found = answer if isinstance(answer, dict) else {}
        one, other = found.get("first"), found.get("second")
        if self.useful(one) and self.useful(other) and _plain(str(one)) != _plain(str(other)):
            return str(one).strip(), str(other).strip()
        self.dropped["contrasts"] += 1
        return None

    def whole(self, lines: list[str], schema: Mapping[str, Json], max_tokens: int) -> Json:
        """The answer to a question that asks for a whole plan; None when it is no JSON, or was cut off."""
        return self._answer(lines, schema, max_tokens)

    def of_use(self, texts: Iterable[str]) -> list[str]:
        """Those that can be used, each once."""
        return list(dict.fromkeys(text.strip().rstrip(".") for text in texts if self.useful(text)))

    def _list(self, name: str, lines: list[str], count: int, known: list[str]) -> list[str]:
        text = {"type": "string", "maxLength": 80}
        answer = self._answer(lines, {"type": "array", "items": text, "minItems": count, "maxItems": count})
        seen = {_plain(one) for one in known}
        found: list[str] = []
        for one in answer if isinstance(answer, list) else []:
            if self.useful(one) and _plain(one) not in seen:
                seen.add(_plain(one))
                found.append(one.strip().rstrip("."))
        found = found[:count]
        self.dropped[name] += count - len(found)
        return found

    def _answer(self, lines: list[str], schema: Mapping[str, Json], max_tokens: int = 200) -> Json:
        self._asked += 1
        reply = self.model.question(
            SYSTEM if self.situation.answer == "label" else OPEN_SYSTEM,
            "\n".join(lines),
            attempt=self.situation.number,
            part=self._asked,
            schema=schema,
            max_tokens=max_tokens,
        )
        return json_of(reply)

    def useful(self, text: Json) -> bool:
        """Real words, of a fit length, without placeholders and without the labels' own names."""
        if not isinstance(text, str) or not SHORTEST <= len(text.strip()) <= LONGEST or "\n" in text.strip():
            return False
        named = any(label in text for label in self.situation.labels if "_" in label or "-" in label)
        return bool(_LETTERS.search(text)) and not _PLACEHOLDER.search(text) and not named

    def _narrow(self, label: str = "") -> list[str]:
        """What is narrow about the rows so far: of one label, or of all rows whatever their label."""
        labels = [label] if label else self.situation.labels
        found = [text for text in self.situation.narrow if any(f"'{one}'" in text for one in labels) == bool(label)]
        return [f"What was written so far is narrow: {'; '.join(found)}."] if found else []

    def _cases(self, labels: set[str]) -> list[str]:
        """Questions of one label that went wrong, or of two that were taken for one another."""
        if self.situation.feedback != "cases":
            return []
        about = [case for case in self.situation.cases if {case[1], *({case[2]} if len(labels) > 1 else ())} == labels]
        return shown_cases(about[:MOST_CASES])

    def _meaning(self, label: str) -> str:
        return self.situation.labels[label] or label.replace("_", " ") or self.situation.about


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
