"""Data programs written by people. Each is one text, short enough to read in class.

They are never imported: like the engineer's programs, they run in the sandbox. Answers in
SQL or Python are run by the host's `verify`, under limits of their own, since code that
does not end would otherwise end the whole data program.
"""

from pathlib import Path

from toolkit.errors import RecipeError

PROGRAMS = {
    "label": "label_messages",
    "json": "record_first",
    "sql": "verified_sql",
    "python": "verified_python",
    "judged": "seed_evolution",
}
"""Kind of answer -> its program. All others are voted on."""


def names() -> list[str]:
    """The programs that `engineer.program` may name."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def program_for(answer: str) -> str:
    """The name of the program that makes rows for a kind of answer, as `task.answer`."""
    return PROGRAMS.get(answer, "votes")


def source(name: str) -> str:
    """A program's text. Raises RecipeError for an unknown name."""
    if name not in names():
        known = ", ".join(["auto", *names()])
        raise RecipeError(f"no library program named {name!r}", f"one of: {known}", key="engineer.program")
    return (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
