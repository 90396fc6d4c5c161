"""Python by unit tests, in the sandbox that data programs run in.

Functional correctness as in HumanEval (Chen et al. 2021): all tests pass, or the answer is
wrong. The tests' own values come from the item, but an answer may define how its objects
compare: tests that check types as well as values cannot be satisfied by that.
"""

from __future__ import annotations

from toolkit.evaluation.scorers.text import encodable, unfenced
from toolkit.programs.sandbox import Limits, run_program
from toolkit.types import Item, digest

LIMITS = Limits(memory_bytes=64_000_000, seconds=3.0, host_calls=10)


def python_tests(item: Item, answer: str) -> float:
    """1 when the code in the answer passes `item.meta["tests"]`: a script of asserts, or a list of them.

    An answer that ends the program before the tests is wrong: only the last line, whose name
    the answer cannot know, says that they passed.
    """
    given = item.meta.get("tests") or ""
    tests = encodable("\n".join(map(str, given)) if isinstance(given, list | tuple) else str(given))
    if not tests.strip():
        return 0.0
    code = unfenced(answer)
    passed: list[bool] = []
    finish = f"passed_{digest([tests, code, item.id])[:24]}"

    def tick() -> None:
        passed.append(True)

    try:
        ending = run_program(f"{code}\n{tests}\n{finish}()\n", {finish: tick}, {}, seed=0, limits=LIMITS)
    except (ValueError, RuntimeError, OSError):
        return 0.0
    return float(passed == [True] and ending.error_class is None)
