"""What a recipe may say. Configuration is data: nothing here loads, fetches or runs.

Every default that changes a result was measured; `docs/results.md` has the figures.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

Fraction = Annotated[float, Field(gt=0, le=1)]
JUDGED = "judged"
"""The scorer that is a model."""
LabelledSplit = Literal["public", "gate", "private"]
AnswerKind = Literal["label", "choice", "json", "call", "number", "sql", "python", "regex", "judged"]
ScorerColumn = Literal["options", "schema", "tests", "unit", "tolerance", "pattern", "matches", "rejects", "source"]
"""What a scorer may need beside the right answer; never shown to a student or an engineer."""

STUDENT_CONTEXT = 2048
"""The least context that a student is opened with."""


def _read_labels(value: Any) -> Any:
    """A list of names, or name -> description; either way name -> description, in the order written."""
    if isinstance(value, list):
        twice = sorted({str(name) for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is there twice")
        value = dict.fromkeys(map(_label_name, value), "")
    if value == {}:
        return {}
    if not isinstance(value, dict):
        raise ValueError("should be a list of labels, or a mapping label: description")
    described = {_label_name(name): "" if about is None else about for name, about in value.items()}
    if len(described) < 2:
        raise ValueError(f"a label task needs at least 2 labels, here are {len(described)}")
    return described


def _label_name(name: Any) -> str:
    if isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"the label {name!r} is not text; write it in quotes")
    return name.strip()


Labels = Annotated[
    dict[str, str],
    BeforeValidator(_read_labels),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 2, "uniqueItems": True},
                {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "minProperties": 2},
            ]
        }
    ),
]


class Section(BaseModel):
    """A part of a recipe: immutable, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class JudgeSettings(Section):
    """A model that scores answers by a rubric; it counts only where it agrees with a person's labels."""

    rubric: str = Field(min_length=1, description="what makes an answer right, in sentences")
    model: str | None = Field(None, description="backend/name of the judge; the teacher's model when not written")
    labels: str = Field(
        "judge.jsonl", description="file beside the recipe with at least 30 answers that a person called right or wrong"
    )
    mode: Literal["grade", "pair"] = Field(
        "grade", description="grade: right or wrong; pair: compared with the right answer of the data, in both orders"
    )


class Task(Section):
    """What the student must learn."""

    about: str = Field(description="one or two sentences for the teacher: what the messages are, who writes them")
    system: str = Field(
        description="what the trained student sees as system message; short on purpose, and empty: it sees none"
    )
    answer: AnswerKind = Field("label", description="the kind of answer; it chooses the scorer and what may be asked")
    scorer: str | None = Field(
        None, description="another scorer than the answer's own: json_fields, or one that an installed package adds"
    )
    judge: JudgeSettings | None = Field(None, description="only for judged: the rubric, and who judges")
    labels: Labels = Field(
        default_factory=dict,
        description="only for label: label -> what it means; a plain list is read as labels without a description",
    )
    examples: dict[str, list[str]] = Field(
        {},
        description="label -> a few messages that show the teacher the tone; never asked, and trained on only with"
        " train.examples",
    )

    @field_validator("examples")
    @classmethod
    def _examples_of_labels(cls, examples: dict[str, list[str]], info: ValidationInfo) -> dict[str, list[str]]:
        if unknown := sorted(examples.keys() - (info.data.get("labels") or examples).keys()):
            raise ValueError(f"{unknown[0]!r} is not one of task.labels")
        return examples

    @property
    def scored_by(self) -> str:
        """The scorer's name."""
        return self.scorer or self.answer


class Data(Section):
    """Where the human-made evaluation items come from."""

    path: str | None = Field(
        None, description="folder or file (csv, jsonl, parquet) beside the recipe, or the name of a hub dataset"
    )
    columns: dict[Literal["input", "output", "skill", ScorerColumn], str] = Field(
        {"input": "input", "output": "output"},
        description="our name -> the column's name in the data; the student sees `input` only, so options and a"
        " database's schema stand there too; the rest is for the scorer",
    )
    splits: dict[LabelledSplit, Fraction | str] = Field(
        {"public": 0.2, "gate": 0.2, "private": 0.6},
        description="split -> a file, or a fraction of what no split names; files named after a split win",
    )
    seeds: str | None = Field(
        None,
        description="file of unlabelled questions that people wrote, beside the recipe or the data; data programs may"
        " start from them. The column is that of `input`, or the only one",
    )
    labels: Literal["all"] | PositiveInt | list[str] = Field(
        "all", description="use all labels, the first N of task.labels, or these"
    )
    per_label: dict[LabelledSplit, PositiveInt] = Field(
        {}, description="split -> at most so many items of each label, chosen by hash"
    )
    seed: int = Field(0, description="another seed gives another split")


class Teacher(Section):
    """The model that writes training rows. Fixed within a run."""

    model: str = Field("llama_cpp/qwen2.5-coder-1.5b-instruct", description="backend/name, as in `schoolhouse models`")
    context: PositiveInt = Field(2048, description="context window in tokens")
    key_variable: str | None = Field(
        None, description="environment variable that holds the API key, OPENAI_API_KEY if none; never the key itself"
    )
    parallel: NonNegativeInt = Field(0, description="questions to a server at once, at most; 0: what it bears")
    think: bool | None = Field(None, description="let a model behind Ollama think, if it can; null: no, it spoils JSON")
    temperature: float = Field(0.9, ge=0, le=2)
    seed: NonNegativeInt = Field(
        0, description="another seed gives other replies to the same prompts, the engineer's too"
    )


class Engineer(Section):
    """Who plans the next lessons."""

    kind: Literal["fixed", "bandit", "plan", "code", "auto"] = Field(
        "bandit",
        description="fixed: no feedback; bandit: budget follows the gap; plan: the model adds words to the bandit's"
        " numbers; code: the model writes the data program; auto: what the model was measured to be able to do",
    )
    approve: Literal["none", "plan", "code"] = Field(
        "none", description="wait for a person to look at each plan or program before it runs"
    )
    model: str | None = Field(None, description="backend/name of the engineer's model; the teacher's when not written")
    context: PositiveInt = Field(4096, description="context window of the engineer's model in tokens")
    key_variable: str | None = Field(None, description="as for the teacher; the teacher's where both are on one server")
    temperature: float = Field(0.5, ge=0, le=2)
    max_tokens: PositiveInt = Field(1200, description="tokens of a whole data program, at most")
    mode: Literal["iterative", "one-shot", "human"] = Field(
        "iterative",
        description="iterative: rounds that improve on the best one; one-shot: the first valid draft sits the exam;"
        " human: the labelled rows that no split takes are trained on once",
    )
    feedback: Literal["aggregate", "cases", "bit"] = Field(
        "aggregate",
        description="aggregate: scores by skill; cases: also the public items that went wrong; bit: better or not",
    )
    program: str = Field(
        "auto", description="the library data program that carries the plan out; auto: the one for this kind of answer"
    )
    drafts: PositiveInt = Field(8, description="one-shot: how many drafts at most")
    attempts: PositiveInt = Field(30, description="data programs over the whole run, at most")

    @property
    def asks(self) -> bool:
        """Whether this kind asks a model."""
        return self.kind not in ("fixed", "bandit")


class Student(Section):
    """The small model that is fine-tuned. Its base weights are fixed within a run."""

    model: str = Field("smollm2-135m-instruct", description="a catalog name, as in `schoolhouse models`")
    backend: Literal["auto", "torch", "llama_cpp"] = Field("auto", description="what answers; auto is torch")
    max_new_tokens: PositiveInt = 24
    closed: bool = Field(True, description="where answers are labels, the student can give no other answer")


class Train(Section):
    """The student's training recipe: fixed within a run, so that the data is the only variable."""

    backend: Literal["auto", "torch", "mlx", "unsloth"] = Field(
        "auto",
        description="what trains; auto: unsloth with an NVIDIA GPU and mlx on Apple Silicon where they are installed,"
        " else torch",
    )
    python: str | None = Field(None, description="another environment's interpreter to train with")
    method: Literal["lora", "qlora", "full"] = Field(
        "lora",
        description="lora: an adapter; qlora: the same over 4-bit weights, on NVIDIA GPUs or with mlx; full: all"
        " weights, which needs a far lower lr",
    )
    lora_r: PositiveInt = 16
    lora_alpha: PositiveInt = 32
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    lora_targets: Literal["all-linear"] | list[str] = Field(
        "all-linear", description="the layers that get an adapter: all linear ones, or a list such as [q_proj, v_proj]"
    )
    lr: float = Field(1e-3, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine", description="how the learning rate falls after the warm-up"
    )
    epochs: PositiveInt = 3
    batch_size: PositiveInt = Field(8, description="rows of one step, however many are computed at once")
    accumulation: PositiveInt = Field(
        1, description="compute a batch in so many parts, one after the other: less memory, the same batch"
    )
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps over which the learning rate rises")
    max_length: PositiveInt = Field(512, description="rows longer than this many tokens are rejected, never cut")
    dtype: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: the faster one here, measured")
    checkpoint_steps: PositiveInt = Field(20, description="a checkpoint at least every so many steps")
    seed: int = 0
    seeds: PositiveInt = Field(
        1, description="students of the best round that sit the exam, with seeds `seed`, `seed` + 1 and so on"
    )
    rows: Literal["fresh", "accepted", "not_worse"] = Field(
        "not_worse",
        description="train on this round's rows only (fresh), with those of accepted rounds, or of all rounds"
        " but those that hurt",
    )
    examples: bool = Field(
        False, description="train on task.examples too, in every round; they are not counted against budget.rows"
    )
    replay: float = Field(
        0.0,
        ge=0,
        le=1,
        description="general rows (small talk, sums, copying, refusing to invent, other languages) mixed in for each"
        " lesson row, against forgetting",
    )


class Acceptance(Section):
    """When a round replaces the best one so far."""

    gate_errors: float = Field(1.0, ge=0, description="standard errors that the paired gain on `gate` must exceed")
    undecided: Literal["keep", "larger"] = Field(
        "keep",
        description="within the noise: keep the best round (keep), or take the new one where it scored no lower and was"
        " trained on all rows of the best one and more (larger)",
    )
    probe: Literal["off", "report", "block"] = Field(
        "block",
        description="the forgetting probe: not asked, a drop below the untrained student's interval is named, or it"
        " blocks the round; a single round that sits the exam anyway is never blocked",
    )


class Budget(Section):
    """Whichever is spent or reached first ends the run; the exam is always sat."""

    rounds: PositiveInt = 3
    rows: PositiveInt = Field(400, description="accepted rows over the whole run")
    min_rows: PositiveInt = Field(32, description="a submission with fewer is not trained on")
    teacher_calls: PositiveInt = 400
    minutes: float = Field(30, gt=0, description="wall clock, counted over all resumes")
    target: Fraction | None = Field(
        None, description="the best round's score on `gate` that is enough, such as 0.8: no further round begins"
    )
    patience: PositiveInt | None = Field(
        None, description="after so many rounds in a row without a better one (a plateau) no further round begins"
    )


class RecipeFile(Section):
    """A whole `recipe.yaml`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    task: Task
    data: Data = Data()
    teacher: Teacher = Teacher()
    engineer: Engineer = Engineer()
    student: Student = Student()
    train: Train = Train()
    acceptance: Acceptance = Acceptance()
    budget: Budget = Budget()

    @property
    def student_context(self) -> int:
        """Tokens that a student's prompt and answer may take together, where a program needs to know beforehand."""
        return max(STUDENT_CONTEXT, self.train.max_length + self.student.max_new_tokens)
