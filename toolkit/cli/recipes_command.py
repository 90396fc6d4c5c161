"""`schoolhouse recipes`: list them, check one with its data, print their JSON Schema."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.say import say, say_json

if TYPE_CHECKING:
    from toolkit.data.splits import Splits
    from toolkit.recipe import Recipe

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context) -> None:
    """List the recipes: name, what they teach, and what is wrong if they cannot be used."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.recipe import list_recipes

    found = list_recipes()
    width = max((len(summary.name) for summary in found), default=0)
    for summary in found:
        say(f"{summary.name:<{width}}  {summary.about if not summary.problem else 'cannot be used:'}")
        for line in (summary.problem or "").splitlines():
            say(f"{'':<{width}}  {line}")
    if not found:
        say("no recipes here; write recipes/NAME/recipe.yaml, or name a folder: schoolhouse run FOLDER")


@app.command()
def check(
    recipe: Annotated[str, typer.Argument(metavar="PATH", help="A recipe's folder, file or name.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be repeated."),
    ] = None,
) -> None:
    """Load a recipe and its data, and count the items of each split and label. Exit code 2 on a mistake."""
    from toolkit.data.sources import read_examples
    from toolkit.data.splits import make_splits
    from toolkit.evaluation.own_answers import doubts_about
    from toolkit.recipe import load_recipe
    from toolkit.stages.judging import check_scorer

    loaded = load_recipe(recipe, set_ or [])
    check_scorer(loaded)
    examples = read_examples(loaded)
    say(_report(loaded, make_splits(examples, loaded)))
    if doubts := doubts_about(loaded, examples):
        say(f"\n{doubts}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipe.yaml, for editors."""

    from toolkit.recipe import recipe_json_schema

    say_json(recipe_json_schema())


def _report(recipe: Recipe, splits: Splits) -> str:
    """Items by label (down) and split (across), and what was left out."""
    counts = {name: Counter(item.output for item in items) for name, items in splits.items.items()}
    width = max(len(label) for label in [*recipe.labels, "label"])
    lines = [f"{recipe.path} is fine", "", f"{'label':<{width}}" + "".join(f"{name:>9}" for name in counts)]
    for label in recipe.labels:
        lines.append(f"{label:<{width}}" + "".join(f"{count[label]:>9}" for count in counts.values()))
    lines.append(f"{'all':<{width}}" + "".join(f"{count.total():>9}" for count in counts.values()))
    left_out = [f"{count} {reason}" for reason, count in sorted(splits.dropped.items())]
    if splits.extra:
        left_out.append(f"{len(splits.extra)} that no split takes")
    if left_out:
        lines += ["", f"left out: {', '.join(left_out)}"]
    return "\n".join(lines)
