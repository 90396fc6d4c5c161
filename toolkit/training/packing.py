"""Rows of a batch laid out so that a beginning which several of them share is computed once.

Rows are joined without padding, and dealt out to the cores. A row that shares its beginning
(its *lead*) keeps only its own tokens: they stand at the positions that they have in the whole
row, and they see the lead and the row's own earlier tokens, nothing else. All leads stand at
the head of the first core's sequence; the others borrow their keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.models.torch_model import common_prefix
from toolkit.training.encode import Encoded

WORTH_SHARING = 16
"""Tokens that a lead must spare; each lead is one more block of attention in every layer."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a batch, by index, and how many leading tokens they share."""

    lead: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What one core computes: a sequence of blocks, the leads first where this part holds them.

    `lengths` are the blocks' tokens and `sees` the lead that each looks at, by index, or None.
    `leads` are the lengths of all leads. `predicting` are the places after which an answer token
    comes, and `targets` those tokens.
    """

    ids: list[int]
    positions: list[int]
    lengths: list[int]
    sees: list[int | None]
    leads: list[int]
    holds_leads: bool
    predicting: list[int]
    targets: list[int]

    @property
    def borrows(self) -> bool:
        """Whether a row of this part sees a lead that another part holds."""
        return not self.holds_leads and any(lead is not None for lead in self.sees)

    @property
    def lent(self) -> int:
        """Tokens of all leads."""
        return sum(self.leads)


def groups(rows: Sequence[Encoded]) -> list[Group]:
    """The grouping that spares most tokens. Only prompts are shared, and each row keeps one prompt token or more."""
    prompts = [row.ids[: row.start] for row in rows]
    order = sorted(range(len(rows)), key=lambda index: prompts[index])
    best: list[tuple[int, list[Group]]] = [(0, [])]  # for the first n rows in order: tokens spared, and how
    for end in range(1, len(order) + 1):
        options = []
        for begin in range(end):
            members = order[begin:end]
            spared, group = _together(prompts, members)
            options.append((best[begin][0] + spared, -len(best[begin][1]), begin, group))
        spared, _, begin, group = max(options, key=lambda option: option[:2])
        best.append((spared, [*best[begin][1], group]))
    return best[-1][1]


def _together(prompts: Sequence[list[int]], members: Sequence[int]) -> tuple[int, Group]:
    lead = common_prefix([prompts[index] for index in members]) if len(members) > 1 else 0
    spared = lead * (len(members) - 1)
    if spared < WORTH_SHARING:
        return 0, Group(0, tuple(members))
    return spared, Group(lead, tuple(members))


def deal(rows: Sequence[Encoded], workers: int, *, share: bool = True) -> list[Part]:
    """The parts of a batch, at most `workers`, each with rows of its own and about as many tokens as the others."""
    found = groups(rows) if share else [Group(0, tuple(range(len(rows))))]
    leads = [group for group in found if group.lead]
    sees: dict[int, int] = {row: number for number, group in enumerate(leads) for row in group.rows}
    owns = [len(row.ids) - (leads[sees[index]].lead if index in sees else 0) for index, row in enumerate(rows)]
    loads = [sum(group.lead for group in leads)] + [0] * (min(workers, len(rows)) - 1)
    dealt: list[list[int]] = [[] for _ in loads]
    longest_first = sorted(range(len(rows)), key=lambda index: -owns[index])
    for place, index in enumerate(longest_first):
        left = len(rows) - place
        waiting = [number for number, has in enumerate(dealt) if not has]
        open_to = waiting if len(waiting) == left else range(len(dealt))  # nobody stays without a row
        chosen = min(open_to, key=lambda number: loads[number])
        dealt[chosen].append(index)
        loads[chosen] += owns[index]
    heads = [rows[group.rows[0]].ids[: group.lead] for group in leads]
    return [_part(rows, sorted(members), sees, heads, number == 0) for number, members in enumerate(dealt)]


def _part(
    rows: Sequence[Encoded], members: Sequence[int], sees: dict[int, int], heads: list[list[int]], holds: bool
) -> Part:
    part = Part([], [], [], [], [len(head) for head in heads], holds, [], [])
    for head in heads if holds else []:
        part.ids.extend(head)
        part.positions.extend(range(len(head)))
        part.lengths.append(len(head))
        part.sees.append(None)
    for index in members:
        row, lead = rows[index], sees.get(index)
        skipped = 0 if lead is None else len(heads[lead])
        begin = len(part.ids) - skipped  # where the row's first token would stand
        part.predicting.extend(range(begin + row.start - 1, begin + len(row.ids) - 1))
        part.targets.extend(row.ids[row.start :])
        part.ids.extend(row.ids[skipped:])
        part.positions.extend(range(skipped, len(row.ids)))
        part.lengths.append(len(row.ids) - skipped)
        part.sees.append(lead)
    return part
