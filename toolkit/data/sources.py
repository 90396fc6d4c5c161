"""From the files that a recipe names to labelled examples; every mistake with file and line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from toolkit.data.records import READERS, Record, require_whole
from toolkit.errors import DataError
from toolkit.recipe import Recipe, did_you_mean
from toolkit.recipe.schema import AnswerKind, LabelledSplit, ScorerColumn
from toolkit.types import Json

MAX_TEXT = 100_000
"""Characters in one text; a longer one is not a message."""

SUFFIXES = (*READERS, ".parquet")
_HUB_NAME = re.compile(r"\w[\w.-]*/[\w.-]+(:[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text as it was written, and where. `split` is set when its file names one."""

    input: str
    output: str
    skill: str
    source_file: str
    line: int | None = None
    split: LabelledSplit | None = None
    labelled: bool = True
    """Whether the output is one of a few labels, so that each split gets its share of each."""
    meta: Mapping[str, Json] = field(default_factory=dict)

    @property
    def stratum(self) -> str:
        """What each split gets its share of: the label, or the skill where answers are no labels."""
        return self.output if self.labelled else self.skill


def read_examples(recipe: Recipe) -> list[Example]:
    """All examples of a recipe; of a label task, those with a label in use. Raises DataError."""
    examples: list[Example] = []
    columns: dict[str, str] = dict(recipe.file.data.columns.items())
    kind = recipe.file.task.answer
    for split, records in _sources(recipe):
        examples += [_example(record, columns, split, kind) for record in records]
    return _with_known_labels(examples, recipe) if kind == "label" else examples


def read_seeds(recipe: Recipe) -> list[str]:
    """The unlabelled questions of `data.seeds`, each once, in their order; none without it. Raises DataError."""
    file = _seed_file(recipe)
    if file is None:
        return []
    texts = [_seed(record, recipe.file.data.columns.get("input", "input")) for record in _read(file)]
    if not texts:
        raise DataError("the file has no rows", "add rows below the column name, or delete data.seeds", path=file)
    return list(dict.fromkeys(texts))


def _seed_file(recipe: Recipe) -> Path | None:
    wanted, data = recipe.file.data.seeds, recipe.file.data.path or "."
    if wanted is None:
        return None
    beside = recipe.folder / data
    for folder in (recipe.folder, beside, beside.parent, Path(data), Path()):
        if (folder / wanted).is_file():
            return folder / wanted
    raise _no_such_file(recipe.folder / wanted, recipe, "data.seeds")


def _seed(record: Record, column: str) -> str:
    """The text of a seed, in the column of the inputs or in the only one that there is."""
    if column not in record.values and len(record.values) == 1:
        column = next(iter(record.values))
    return _text(record, "input", {"input": column})


# -- which files -------------------------------------------------------------------------------


def _sources(recipe: Recipe) -> Iterator[tuple[LabelledSplit | None, list[Record]]]:
    """Each file or hub split, with the split that it is for."""
    name = recipe.file.data.path
    if not name:
        fix = "--set data.path=FILE_OR_FOLDER, or write it below `data:`"
        raise DataError("missing: this recipe has no data of its own", fix, path=recipe.path, key="data.path")
    found = _resolve(name, recipe)
    if found is None:
        yield from _hub_sources(name, recipe)
        return
    for split, file in _files(found, recipe):
        records = list(_read(file))
        if not records:
            raise DataError("the file has no rows", "add rows below the column names", path=file)
        yield split, records


def _resolve(name: str, recipe: Recipe) -> Path | None:
    """The file or folder, beside the recipe or in the working folder; None for a hub name."""
    wanted = Path(name).expanduser()
    candidates = [recipe.folder / wanted, wanted]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looks_local = wanted.suffix in SUFFIXES or not _HUB_NAME.fullmatch(name)
    if looks_local or (recipe.folder / wanted.parts[0]).is_dir():
        raise _no_such_file(candidates[0], recipe, "data.path")
    return None


def _no_such_file(path: Path, recipe: Recipe, key: str) -> DataError:
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    message = f"no file or folder {path}{did_you_mean(path.name, beside)}"
    hub = " (a hub data set is named owner/name)" if key == "data.path" else ""
    return DataError(message, f"--set {key}=PATH{hub}", path=recipe.path, key=key)


def _files(path: Path, recipe: Recipe) -> list[tuple[LabelledSplit | None, Path]]:
    """The files to read, each with its split: named in the recipe, named after a split, or none."""
    folder = path if path.is_dir() else path.parent
    named: dict[Path, LabelledSplit] = {}
    for split, value in recipe.file.data.splits.items():
        if isinstance(value, str):
            file = _split_file(split, value, folder, recipe)
            if file.resolve() in named:
                message = f"{value} is already the file of {named[file.resolve()]}"
                raise DataError(message, "give each split its own file", path=recipe.path, key=f"data.splits.{split}")
            named[file.resolve()] = split
    seeds = _seed_file(recipe)
    rest = [file for file in _data_files(path) if not (seeds and file.samefile(seeds))] if path.is_dir() else [path]
    if path.is_dir():
        stems = {split: split for split in get_args(LabelledSplit) if split not in named.values()}
        named |= {file.resolve(): stems[file.stem] for file in rest if file.stem in stems}
    everything = dict.fromkeys([*named, *(file.resolve() for file in rest)])
    shown = {file.resolve(): file for file in rest}
    return [(named.get(file), shown.get(file, file)) for file in everything]


def _split_file(split: str, value: str, folder: Path, recipe: Recipe) -> Path:
    for candidate in (folder / value, recipe.folder / value):
        if candidate.is_file():
            return candidate
    raise _no_such_file(folder / value, recipe, f"data.splits.{split}")


def _data_files(folder: Path) -> list[Path]:
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES and file.is_file()]
    visible = [file for file in files if not file.name.startswith(".")]
    if not visible:
        raise DataError("no data file in this folder", f"put one there: {', '.join(SUFFIXES)}", path=folder)
    return visible


def _read(path: Path) -> Iterator[Record]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"unknown kind of file {suffix!r}", f"one of {', '.join(SUFFIXES)}", path=path)
    try:
        if suffix == ".parquet":
            from toolkit.data.tables import read_parquet

            yield from read_parquet(path)
        else:
            yield from READERS[suffix](path)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", "check the file's permissions", path=path) from None


def _hub_sources(name: str, recipe: Recipe) -> Iterator[tuple[LabelledSplit | None, list[Record]]]:
    from toolkit.data.tables import read_hub

    found = read_hub(name)
    wanted = {value: split for split, value in recipe.file.data.splits.items() if isinstance(value, str)}
    for theirs in wanted:
        if theirs not in found:
            message = f"{name} has no split {theirs!r}; it has {', '.join(found)}"
            raise DataError(message, f"one of {', '.join(found)}", path=recipe.path, key="data.splits")
    ours: dict[str, LabelledSplit] = {split: split for split in get_args(LabelledSplit)}
    for theirs, records in found.items():
        yield wanted.get(theirs) or ours.get(theirs), records


# -- what stands in them -----------------------------------------------------------------------


def _example(
    record: Record, columns: Mapping[str, str], split: LabelledSplit | None, kind: AnswerKind = "label"
) -> Example:
    text = _text(record, "input", columns)
    output = _text(record, "output", columns, structured=kind != "label")
    skill = output if kind == "label" else _text(record, "skill", columns) if "skill" in columns else ""
    meta = _meta(record, columns)
    return Example(text, output, skill, record.source, record.line, split, kind == "label", meta)


def _meta(record: Record, columns: Mapping[str, str]) -> dict[str, Json]:
    """What the scorer needs beside the answer; empty cells are left out, lists may be written as JSON."""
    found: dict[str, Json] = {}
    for ours in get_args(ScorerColumn):
        column = columns.get(ours)
        if column is None:
            continue
        if column not in record.values:
            message = f"no such column. The columns here: {', '.join(map(str, record.values))}"
            raise DataError(
                message, f"--set data.columns.{ours}=COLUMN", path=record.source, line=record.line, key=column
            )
        value = record.values[column]
        if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            with suppress(ValueError, RecursionError):  # a text that only begins like a list: a pattern, a unit
                value = json.loads(value)
            require_whole(record.source, record.line, {column: value})
        if value not in (None, ""):
            found[ours] = value
    if "tolerance" in found:
        _check_tolerance(found["tolerance"], record, columns["tolerance"])
    return found


def _check_tolerance(value: Json, record: Record, column: str) -> None:
    """Raise DataError for a tolerance that is no share: 5 for 5 % would let every number of the same sign pass."""
    try:
        if not isinstance(value, bool) and 0 <= float(value) < 1:
            return
    except (TypeError, ValueError, OverflowError):
        pass
    message = f"a tolerance of {str(value)[:40]!r}; it is a share of the right number, from 0 to below 1"
    fix = "write 0.05 for 5 %, 0 for no other number than the right one, or leave it empty"
    raise DataError(message, fix, path=record.source, line=record.line, key=column)


def _text(record: Record, ours: str, columns: Mapping[str, str], *, structured: bool = False) -> str:
    """The text in one of our columns; with `structured`, numbers, lists and objects as JSON.

    Raises DataError when the column is not there, or holds no text.
    """
    column = columns.get(ours, ours)

    def mistake(message: str, fix: str) -> DataError:
        return DataError(message, fix, path=record.source, line=record.line, key=column)

    if column not in record.values:
        known = [str(name) for name in record.values]
        hint = did_you_mean(column, set(known) - set(columns.values())) or "."
        raise mistake(f"no such column{hint} The columns here: {', '.join(known)}", f"--set data.columns.{ours}=COLUMN")
    value = record.values[column]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if structured and isinstance(value, bool | float | list | dict):
        value = json.dumps(value, ensure_ascii=False, default=str)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise mistake("empty", "write the text, or delete the row")
    if not isinstance(value, str):
        raise mistake(f"not a text but {type(value).__name__}", "write a string")
    if len(value) > MAX_TEXT:
        raise mistake(f"a text of {len(value)} characters", "is this the right column?")
    return value.strip()


# -- labels ------------------------------------------------------------------------------------


def _with_known_labels(examples: list[Example], recipe: Recipe) -> list[Example]:
    """Drop examples of labels not in use. Raises DataError for unknown labels and for labels without examples."""
    known, used = recipe.file.task.labels, recipe.labels
    strangers = [example for example in examples if example.output not in known]
    if strangers:
        raise _unknown_labels(strangers, list(known), recipe)
    kept = [example for example in examples if example.output in used]
    found = {example.output for example in kept}
    missing = [label for label in used if label not in found]
    if missing:
        names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        message = f"no example in the data has the label {names}"
        fix = "add examples, delete the label from task.labels, or choose labels with --set data.labels=[…]"
        raise DataError(message, fix, path=recipe.path, key="task.labels")
    return kept


def _unknown_labels(strangers: list[Example], known: list[str], recipe: Recipe) -> DataError:
    first = strangers[0]
    names = sorted({example.output for example in strangers} - {first.output})
    more = f" (and {len(names)} more unknown labels: {', '.join(names[:5])})" if names else ""
    shown = first.output if len(first.output) <= 60 else first.output[:57] + "..."
    message = f"the label {shown!r} is not in task.labels{did_you_mean(first.output, known)}{more}"
    fix = f"correct it, or add it to task.labels in {recipe.path}"
    column = recipe.file.data.columns.get("output", "output")
    return DataError(message, fix, path=first.source_file, line=first.line, key=column)
