"""The rows of a run as plain values: lines of a window, one row in full, what may be filtered by. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tui.state import Record, Status
from tui.text import clean, clean_block

PAGE = 100
PAGES_KEPT = 12
SIMILAR = ("duplicate", "near_duplicate", "same_meaning")
QUARANTINED = "quarantined"
Decision = Literal["keep", "drop"]
Choice = tuple[str, Any]
"""What a filter shows, and the value that it filters by."""


@dataclass(frozen=True, slots=True)
class RowLine:
    """A row as one line; its texts are cleaned and cut."""

    attempt: int
    seq: int
    id: str
    status: str
    skill: str
    input: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WholeRow:
    """A row in full.

    Args:
        calls: hashes of the replies that it came from.
        twin: the accepted row that it is like, if it was turned away for that.
        edit: text and answer that a person's edit gave it; the row itself stays as it was.
        origin: the row that a person made this one of.
    """

    line: RowLine
    input: str
    output: str
    detail: str
    calls: tuple[str, ...] = ()
    meta: str = ""
    twin: WholeRow | None = None
    item: str = ""
    edit: tuple[str, str] | None = None
    origin: WholeRow | None = None


@dataclass(frozen=True, slots=True)
class RowText:
    """A row's own texts, as they are, for an editor.

    Args:
        labels: what the answer may be; empty when answers are no labels.
        problem: why it is not to be edited, if so.
    """

    line: RowLine
    input: str
    output: str
    labels: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Facets:
    """What rows may be filtered by, each with its count; `decisions` by row id."""

    status: Status = "paused"
    total: int = 0
    statuses: tuple[tuple[str, int], ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    skills: tuple[tuple[str, int], ...] = ()
    attempts: tuple[tuple[int, int], ...] = ()
    rounds: tuple[tuple[int, int], ...] = ()
    """Round and its attempt."""
    decisions: tuple[tuple[str, str], ...] = ()
    waiting: tuple[str, ...] = ()
    """Ids of rows whose decision the worker has not taken yet."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filter as a person set it; None for any. `decided`: only rows that a person decided on."""

    status: str | None = None
    reason: str | None = None
    skill: str | None = None
    attempt: int | None = None
    text: str = ""
    decided: bool = False

    @property
    def any(self) -> bool:
        return self != Chosen()


class Pages:
    """The rows of the window that were read last. Pages that are old are still shown until they are read again."""

    def __init__(self) -> None:
        self._pages: OrderedDict[int, Sequence[RowLine]] = OrderedDict()
        self._fresh: set[int] = set()
        self._asked: set[int] = set()

    def line(self, number: int) -> RowLine | None:
        page = self._pages.get(number // PAGE, ())
        return page[number % PAGE] if number % PAGE < len(page) else None

    def wanted(self, first: int, last: int) -> list[int]:
        """The pages that have to be read for these lines and are not asked for yet; they count as asked for now."""
        found = [page for page in range(max(0, first) // PAGE, max(0, last) // PAGE + 1) if page not in self._fresh]
        found = [page for page in found if page not in self._asked]
        self._asked |= set(found)
        return found

    def put(self, page: int, lines: Sequence[RowLine]) -> None:
        self._asked.discard(page)
        self._fresh.add(page)
        self._pages[page] = lines
        self._pages.move_to_end(page)
        while len(self._pages) > PAGES_KEPT:
            old, _ = self._pages.popitem(last=False)
            self._fresh.discard(old)

    def age(self) -> None:
        """The journal has changed: read what is looked at again."""
        self._fresh.clear()
        self._asked.clear()

    def clear(self) -> None:
        """The filter has changed: nothing here is right any more."""
        self._pages.clear()
        self.age()


def row_line(record: Record) -> RowLine:
    """A record of `JournalReader.row_page` or `find_row`."""
    return RowLine(
        attempt=int(record["attempt"]),
        seq=int(record["seq"]),
        id=str(record["id"]),
        status=clean(str(record["status"]), 20),
        skill=clean(str(record["skill"] or record["output"]), 60),
        input=clean(str(record["input"]), 300),
        reason=clean(str(record["reason"]), 60),
        detail=clean(str(record["detail"]), 200),
    )


def whole_row(
    record: Record,
    twin: Record | None = None,
    meta: str = "",
    item: str = "",
    edit: tuple[str, str] | None = None,
    origin: Record | None = None,
) -> WholeRow:
    """A record of `JournalReader.find_row`.

    Args:
        twin: the record of the accepted row that it is like.
        meta: the row's `meta` as text; `item`: the text of the public item that it is close to.
        edit: text and answer that a person gave it; `origin`: the record that a person made this one of.
    """
    return WholeRow(
        line=row_line(record),
        input=clean_block(str(record["input"]), 20_000),
        output=clean_block(str(record["output"]), 4000),
        detail=clean_block(str(record["detail"]), 2000),
        calls=tuple(map(str, record["calls"])),
        meta=clean_block(meta, 2000),
        twin=whole_row(twin) if twin else None,
        item=clean_block(item, 2000),
        edit=(clean_block(edit[0], 20_000), clean_block(edit[1], 4000)) if edit else None,
        origin=whole_row(origin) if origin else None,
    )


def twin_text(record: Record) -> str:
    """The input of the accepted row that a turned-away one is like; empty when it is not for that."""
    if record["reason"] == "duplicate":
        return str(record["detail"])
    if record["reason"] in ("near_duplicate", "same_meaning"):
        return str(record["detail"]).partition(" to: ")[2]
    return ""


def public_item_id(record: Record) -> str:
    """The public item that a quarantined row is close to. Items of other splits are never shown."""
    _, mark, found = str(record["detail"]).partition(" to public item ")
    return found.strip() if mark and record["reason"] == "leak" else ""


def choices(facets: Facets) -> dict[str, list[Choice]]:
    """Filter -> what it may be set to, `all` first."""
    of_round = {attempt: number for number, attempt in facets.rounds}
    attempts = [
        (f"attempt {number}" + (f", round {of_round[number]}" if number in of_round else "") + f" ({count})", number)
        for number, count in facets.attempts
    ]
    return {
        "status": [("every status", None), *_counted(facets.statuses)],
        "reason": [("every reason", None), *_counted(facets.reasons)],
        "skill": [("every label", None), *_counted(facets.skills)],
        "attempt": [("every round", None), *attempts],
    }


def _counted(values: Sequence[tuple[str, int]]) -> list[Choice]:
    return [(f"{clean(value, 40) or '(none)'} ({count})", value) for value, count in values]


def set_filter(chosen: Chosen, name: str, value: Any) -> Chosen:
    """The filter with one part changed; a status other than the reason's forgets the reason."""
    changed = replace(chosen, **{name: value})
    if name == "status" and value == "accepted":
        changed = replace(changed, reason=None)
    return changed


def next_similar(facets: Facets, reason: str | None) -> str | None:
    """The reason after this one for which rows were turned away as too much alike; None after the last."""
    found = [name for name, _ in facets.reasons if name in SIMILAR]
    place = found.index(reason) + 1 if reason in found else 0
    return found[place] if place < len(found) else None


def decision_of(decisions: Mapping[str, str], row: RowLine) -> str:
    """`dropped`, `kept` or `edited` when a person decided other than the checks; else empty."""
    decision = decisions.get(row.id)
    if decision == "edit":
        return "edited"
    if row.status == "accepted":
        return "dropped" if decision == "drop" else ""
    return "kept" if decision == "keep" else ""


def may_decide(decisions: Mapping[str, str], row: RowLine, decision: str, *, keepable: bool) -> bool:
    """Drop what is trained on; keep what was dropped, or turned away for a reason that may be overruled.

    Of a row that was edited: drop both, or keep the original. `keepable`: the reason may be overruled.
    """
    trained_on = row.status == "accepted"
    now = decisions.get(row.id, "keep" if trained_on else "drop")
    allowed = trained_on or keepable or (now, decision) == ("edit", "drop")
    return allowed and now != decision


def words_in_common(one: str, two: str) -> set[str]:
    """The words that both texts have, in lower case."""
    return set(one.lower().split()) & set(two.lower().split())
