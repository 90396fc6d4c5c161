"""A closed set of answers, as a trie of token ids: what may come next, and when only one answer is left."""

from __future__ import annotations

from collections.abc import Sequence


class Choices:
    """Answers as token ids. An answer may be the beginning of another one.

    Args:
        answers: token ids of each answer, without the end token. Raises ValueError for none and for an empty one.
        ends: the tokens that end an answer.
    """

    def __init__(self, answers: Sequence[Sequence[int]], ends: set[int]) -> None:
        if not answers or not all(answers):
            raise ValueError("a closed set needs answers, none of them empty")
        self.longest = max(len(answer) for answer in answers)
        self._next: dict[tuple[int, ...], list[int]] = {}
        self._whole: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for answer in dict.fromkeys(tuple(answer) for answer in answers):
            for length, token in enumerate(answer):
                self._whole.setdefault(answer[:length], []).append(answer)
                following = self._next.setdefault(answer[:length], [])
                if token not in following:
                    following.append(token)
            self._whole.setdefault(answer, []).append(answer)
            self._next.setdefault(answer, []).extend(sorted(ends))

    def allowed(self, begun: Sequence[int]) -> list[int]:
        """The tokens that may follow an answer that was begun."""
        return self._next[tuple(begun)]

    def only(self, begun: Sequence[int]) -> list[int] | None:
        """The whole answer, as soon as no other one begins like this."""
        left = self._whole[tuple(begun)]
        return list(left[0]) if len(left) == 1 else None
