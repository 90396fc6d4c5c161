"""What the keys do, and what the signs mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.keys import Keys as KeyRow

Keys = tuple[tuple[str, str], ...]

EVERYWHERE: Keys = (
    ("tab", "to the next panel"),
    ("ctrl+p", "all commands, themes, a screenshot"),
    ("? f1", "this help; F1 also where you type"),
    ("q", "quit; runs go on without this window"),
)
SECTIONS: dict[str, Keys] = {
    "Home": (
        ("enter", "start a recipe, or open a run"),
        ("g", "begin: the quickstart, its weights first"),
        ("r", "go on with a paused or broken run"),
        ("v", "to the verdict of a run that sat its exam"),
        ("e", "read and edit the recipe"),
        ("c", "compare runs"),
        ("m", "weights: what is here, what fits, fetch"),
        ("d", "doctor: what this machine lacks, and the fix"),
    ),
    "Confirm": (
        ("s enter", "start"),
        ("a space", "to the arms; choose one or several"),
        ("escape n", "not now"),
    ),
    "Fetch": (("escape", "stop; what was fetched is kept"),),
    "Doctor": (("r", "look again; it takes some seconds"),),
    "Run": (
        ("1 2 3 4", "overview, samples, variety, log"),
        ("s", "the scores of another split"),
        ("p", "pause at the next safe point, or go on"),
        ("f", "no round after this one, then the exam"),
        ("t", "the tree of attempts, their programs and calls"),
        ("d", "every row, and what became of it"),
        ("e", "what the students answered"),
        ("v", "to the exam and its verdict"),
        ("c", "talk with the base and the trained student"),
        ("m", "compare this run with others"),
        ("x", "export the best student, or its rows"),
        ("n", "leave a note for the engineer"),
        ("a", "look at a plan or program that waits for you"),
        ("escape", "back; the run goes on"),
    ),
    "Attempts": (
        ("1 – 5", "what, plan, program, difference, calls"),
        ("c", "compare the others with this attempt"),
        ("enter", "to the text; on a call: its prompt and reply"),
    ),
    "Call": (("r home", "to the reply, to the prompt"),),
    "Data": (
        ("s r l o", "filter: status, reason, label, round"),
        ("/", "search in texts and answers"),
        ("a", "all rows again"),
        ("y", "only rows that you decided on"),
        ("e", "edit text or label; the original is kept"),
        ("c", "choose another label from the list"),
        ("x k", "drop or keep the row in trainings to come"),
        ("b", "the row beside what it is like"),
        ("u z", "only duplicates, only the quarantine"),
        ("w", "where it came from: the teacher's reply"),
        ("v", "the variety of each round, as plots"),
        ("t", "the tokens that the last training learnt"),
    ),
    "Evaluation": (
        ("1 – 4", "skills, confusion, items, exam"),
        ("s b r", "another split, baseline, round"),
        ("f", "only items that flipped, or did not"),
        ("v", "to the exam; there, reveal its verdict"),
        ("j", "label answers, so that the judge may count"),
    ),
    "Label": (
        ("y n", "the answer is right, is wrong"),
        ("s b", "skip it, back to the one before"),
        ("g", "go on with the run, once there are enough"),
        ("escape", "leave; every label is saved"),
    ),
    "Export": (
        ("enter", "export what is chosen"),
        ("tab", "to the quantization, and back"),
        ("s", "stop the export that is going on"),
        ("f", "write what failed its check all the same"),
    ),
    "EditRow": (("ctrl+s", "save; the original is kept"), ("tab", "to the label or answer, and back")),
    "Chat": (
        ("enter", "ask both students"),
        ("ctrl+n", "the last answer becomes a note for the engineer"),
        ("ctrl+s", "the last message becomes an example in the recipe"),
    ),
    "Recipe": (
        ("ctrl+s", "save, comments and all"),
        ("ctrl+g", "save and start"),
        ("f2", "what differs from the shipped recipe"),
        ("f3", "a copy in ./recipes, under another name"),
        ("f4", "to the next mistake"),
        ("f5", "the tokens that a training learns, and those it reads"),
    ),
    "Compare": (("space", "choose a run"), ("enter", "compare the chosen ones")),
    "Models": (
        ("enter", "fetch the weights"),
        ("p", "measure what a model is fit for"),
    ),
    "Approve": (("ctrl+s", "let it run as it stands"), ("ctrl+o", "open it in your own editor (EDITOR)")),
}
"""Screen -> its keys."""
SIGNS: Keys = (
    ("●", "live"),
    ("✓  ✗", "accepted, rejected; right, wrong"),
    ("!", "quarantined: too close to an evaluation item"),
    ("~", "undecided: the difference is within the noise"),
    ("‖", "paused, or stopped"),
)


class HelpScreen(ModalScreen[None]):
    """A list of keys and signs; any way out closes it.

    Args:
        section: the screen whose keys come first.
    """

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter", "dismiss", "Close", key_display="esc"),
    ]

    def __init__(self, section: str = "") -> None:
        super().__init__()
        self._section = section

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Help"
            yield Static(_text(help_lines(self._section)))
            yield Static(id="help-others")
        yield KeyRow()

    def on_mount(self) -> None:
        """What fits into few terminals comes after the first paint: text is measured and cut as a whole."""
        self.call_after_refresh(lambda: self.query_one("#help-others", Static).update(_text(others(self._section))))


def help_lines(section: str) -> Keys:
    """The keys of `section`, those of all screens and the signs; a title without words before each group."""
    first = [(section, SECTIONS[section])] if section in SECTIONS else []
    return _grouped([*first, ("Everywhere", EVERYWHERE), ("Signs", SIGNS)])


def others(section: str) -> Keys:
    """The keys of all screens but this one."""
    return _grouped([(name, keys) for name, keys in SECTIONS.items() if name != section])


def _grouped(groups: Iterable[tuple[str, Keys]]) -> Keys:
    return tuple(line for name, keys in groups for line in ((name, ""), *keys))


def _text(lines: Keys) -> Content:
    return Content("\n").join(_line(key, words) for key, words in lines)


def _line(key: str, words: str) -> Content:
    if not words:
        return Content.styled(key, "bold $primary")
    return Content.assemble((f"  {key:<8}", "$accent"), words)
