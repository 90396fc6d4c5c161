"""A stage for the screens: an app whose toolkit is made up, on journals that are real."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import ChildError, ModelError
from toolkit.journal import DATABASE, JournalReader
from toolkit.run import Run
from tui.app import SchoolhouseApp
from tui.doors.chat import Conversation
from tui.doors.models import ModelLine, Progress
from tui.runs import Runs
from tui.state import RecipeLine, RunLine, Status

RECIPES = [
    RecipeLine("quickstart", Path("recipes/quickstart"), "Route a help-desk message to one of 14 intents."),
    RecipeLine("banking77", Path("recipes/banking77"), "Tell which of 16 banking intents a customer's message has."),
    RecipeLine("broken", Path("recipes/broken"), "", "recipe.yaml:7: train.learning_rate: unknown, did you mean lr?"),
]


@dataclass
class MadeUpStudents:
    """Say the same to everything; asked to break, they do."""

    runs: MadeUpRuns

    def ask(self, text: str) -> tuple[str, str]:
        if text == "break":
            raise ChildError("toolkit.students.torch_child ended with code 1", "the whole output is in [student.log]")
        self.runs.asked.append(f"ask {text}")
        return self.runs.answers

    def close(self) -> None:
        self.runs.asked.append("close")


@dataclass
class MadeUpRuns(Runs):
    """Recipes and machine are made up; runs are the journals below `folder`."""

    folder: Path
    clock: float = 0.0
    status_now: Status = "running"
    asked: list[str] = field(default_factory=list)
    edited: str = ""
    """What the person's own editor leaves in a file."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """Set when a fetch may end."""
    answers: tuple[str, str] = ("I am sorry to hear that", "refund_status")
    """What the base and the trained student say to anything."""

    def now(self) -> float:
        return self.clock

    def recipes(self) -> list[RecipeLine]:
        return RECIPES

    def runs(self) -> list[RunLine]:
        found = []
        for path in sorted(self.folder.glob(f"*/{DATABASE}")):
            reader = JournalReader(path.parent)
            status = self.status(path.parent)
            best = None if status == "paused" else 0.726
            created = float(reader.meta("created", 0.0))
            found.append(RunLine(path.parent.name, path.parent, "quickstart", status, created, best))
            reader.close()
        return sorted(found, key=lambda line: line.status != "running")

    def find(self, name: str) -> Path:
        return self.folder / name

    def estimate(self, recipe: RecipeLine) -> str:
        return "About 18 minutes here, 30 at most: 3 rounds, 400 rows."

    def start(self, recipe: RecipeLine) -> Path:
        self.asked.append(f"start {recipe.name}")
        return self.folder / "quickstart-live"

    def pause(self, folder: Path) -> None:
        self.asked.append("pause")

    def resume(self, folder: Path) -> None:
        self.asked.append("resume")

    def approve(self, folder: Path) -> None:
        """The real approval; nothing is started."""
        Run.open(folder).approve()
        self.asked.append("approve")

    def edit(self, path: Path) -> None:
        self.asked.append("edit")
        path.write_text(self.edited, encoding="utf-8")

    def converse(self, folder: Path) -> Conversation:
        return MadeUpStudents(self)

    def models(self) -> list[ModelLine]:
        here = "pull small" in self.asked
        return [
            ModelLine("small", 98_362_432, "Apache-2.0", 8192, 134_515_008, ("pypi small",), here, True),
            ModelLine(
                "large", 70_117_320_768, "Apache-2.0", 32768, 70_543_714_304, ("hub a/b", "pypi x"), False, False
            ),
        ]

    def pull(self, name: str, progress: Progress) -> Path:
        if name == "large":
            raise ModelError("the disk that holds [weights] is full", "free some space")
        progress("pypi small", 49_000_000, 98_362_432)
        self.go_on.wait(8)
        self.asked.append(f"pull {name}")
        return Path(name)

    def status(self, folder: Path) -> Status:
        reader = JournalReader(folder)
        try:
            return "finished" if reader.meta("state") == "finished" else self.status_now
        finally:
            reader.close()

    def machine(self) -> str:
        return "Linux x86_64 · 2 cores · 24 GiB memory, 11 GiB free · 41 GiB disk free"


def make_app(folder: Path, now: float, open_first: Path | None = None) -> SchoolhouseApp:
    return SchoolhouseApp(MadeUpRuns(folder, now), open_first=open_first)
