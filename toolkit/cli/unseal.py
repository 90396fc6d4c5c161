"""`unseal`: a look at the private items after the exam, for a reason."""

from __future__ import annotations

from dataclasses import asdict

from rich import box
from rich.table import Table
from rich.text import Text

from toolkit.cli.console import open_console
from toolkit.cli.say import say, say_json
from toolkit.errors import SchoolhouseError
from toolkit.run import Run

SPENT = "the sealed items were opened {} times; what is found on them from now on is marked as spent"


def unseal_run(name: str, reason: str, round_number: int | None, *, as_json: bool = False) -> None:
    """Print what the examined student, or another round's, got wrong; or all items as JSON."""
    if not reason.strip():
        raise SchoolhouseError("the sealed items are opened for a reason only", '--reason "to see what goes wrong"')
    run = Run.open(name)
    if round_number is not None:
        found = run.examine_again(round_number, reason)
        told = {"student": f"round-{round_number}", "reason": reason, **asdict(found)}
        if as_json:
            say_json(told)
        else:
            say(found.sentence)
        return
    items = run.open_sealed(reason)
    student = run.reader.meta("verdict", {}).get("student")
    answers = {outcome.item_id: outcome for outcome in run.outcomes(student, "private")} if student else {}
    if as_json:
        listed = [(item, answers.get(item.id)) for item in items]
        shown = [
            {"input": item.input, "output": item.output, "answer": one and one.answer, "score": one and one.score}
            for item, one in listed
        ]
        say_json(shown)
        return
    table = Table("message", "right answer", f"{student} said", box=box.SIMPLE, pad_edge=False)
    wrong = [(item, answers[item.id].answer) for item in items if item.id in answers and answers[item.id].score < 1]
    for item, answer in wrong:
        table.add_row(*(Text(text) for text in (item.input, item.output, answer)))
    console = open_console()
    console.print(table)
    console.print(Text(f"{len(wrong)} of {len(items)} are wrong", style="bold"))
    console.print(Text(SPENT.format(run.summary()["uses"]["private"]), style="yellow"))
