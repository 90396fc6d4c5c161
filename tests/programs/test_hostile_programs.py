"""Hostile and broken programs: each ends in a verdict in time, and the host lives on.

They run in the real sandbox against the real host, journal and checks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hosted import QUICK, Hosted, carry_out, prompt_of

from toolkit.errors import ModelError, RefusedRequest, SchoolhouseError
from toolkit.programs.host import MAX_LOG_LINES
from toolkit.programs.sandbox import ERROR_LIMIT, OUTPUT_LIMIT, Limits
from toolkit.programs.trial import TrialHost
from toolkit.types import Request

TIMEOUT, RUNTIME = "execution timeout", "code runtime error"

ENDLESS = {
    "loop": ("while True: pass", TIMEOUT),
    "loop that catches everything": (
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        TIMEOUT,
    ),
    "huge sum": ("sum(range(10**14))", TIMEOUT),
    "factorial": ("import math\nmath.factorial(10**7)", TIMEOUT),
    "recursion that catches itself": (
        "def f():\n  try:\n    f()\n  except BaseException:\n    f()\nf()",
        TIMEOUT,
    ),
    "ask": ("while True: ask('more')", RUNTIME),
    "ask past the budget": ("while True:\n  try:\n    ask('more')\n  except BaseException: pass", TIMEOUT),
    "submit": ("while True: submit([])", TIMEOUT),
    "submit the same row": ("while True: submit([{'input': 'x', 'output': 'a'}] * 100)", RUNTIME),
    "log": ("while True: log('x')", TIMEOUT),
    "log books": ("while True: log('x' * 1_000_000)", TIMEOUT),
    "log libraries": ("x = 'x' * 20_000_000\nwhile True: host_log(x)", TIMEOUT),
    "remaining": ("while True: remaining()", TIMEOUT),
    "output": ("while True: print('x' * 1000)", RUNTIME),
    "output that catches": ("while True:\n  try:\n    print('x' * 1000)\n  except BaseException: pass", RUNTIME),
    "generator": ("import itertools\nlist(itertools.count())", RUNTIME),
}

TOO_LARGE = {
    "10 GB list": "x = [0] * 10**10",
    "growing list": "x = []\nwhile True: x.append('a' * 10_000)",
    "growing list that catches": "x = []\nwhile True:\n  try: x.append('a' * 10_000)\n  except BaseException: pass",
    "huge text": "x = 'a' * 10**11",
    "huge number": "x = 10**(10**9)",
    "product": "import itertools\nlist(itertools.product(range(1000), repeat=9))",
    "deep recursion": "def f(): return f()\nf()",
    "deep JSON": "json.loads('[' * 10_000 + ']' * 10_000)",
    "deep source": "x = " + "[" * 10_000 + "]" * 10_000,
    "huge text to submit": "submit([{'input': 'x' * 60_000_000, 'output': 'a'}])",
    "a million prompts": "ask_many(['x'] * 1_000_000)",
    "a million rows": "submit([{'input': 'x', 'output': 'a'}] * 500_000)",
}

OUTSIDE = {
    "os.system": "import os\nos.system('touch hacked')",
    "os.environ": "import os\nlog(os.environ)",
    "os.listdir": "import os\nlog(os.listdir('/'))",
    "socket": "import socket",
    "subprocess": "import subprocess",
    "ctypes": "import ctypes",
    "importlib": "import importlib",
    "__import__": "__import__('os')",
    "sys.modules": "import sys\nlog(sys.modules)",
    "read a file": "open('/etc/passwd').read()",
    "write a file": "open('hacked', 'w').write('x')",
    "pathlib": "from pathlib import Path\nPath('/etc/passwd').read_text()",
    "subclasses": "().__class__.__mro__[1].__subclasses__()",
    "globals of a host function": "host_ask.__globals__",
    "globals of the prelude": "ask.__globals__",
    "self of a host function": "host_ask.__self__",
    "code": "ask.__code__",
    "closure": "host_submit.__closure__",
    "builtins": "__builtins__",
    "getattr": "getattr(host_ask, '__glo' + 'bals__')",
    "format string": "'{0.__class__.__mro__}'.format(host_ask)",
    "f-string": "f'{host_ask.__globals__}'",
    "frame of an exception": "try:\n  1 / 0\nexcept Exception as error:\n  error.__traceback__.tb_frame",
    "exec": "exec('import subprocess')\nsubprocess.run(['ls'])",
}

WRONG_VALUES = {
    "a set of rows": "host_submit({1, 2})",
    "a class": "class A:\n  x = 1\nhost_submit(A())",
    "a lambda": "host_submit(lambda: 1)",
    "a host function": "host_submit(host_submit)",
    "a row that is text": "submit(['hello'])",
    "one row": "submit({'input': 'x', 'output': 'a'})",
    "a row without input": "submit([{'text': 'x', 'label': 'a'}])",
    "meta with bytes": "submit([{'input': 'x', 'output': 'a', 'meta': {'x': b'1'}}])",
    "meta with numbers as keys": "submit([{'input': 'x', 'output': 'a', 'meta': {1: 2}}])",
    "meta with NaN": "submit([{'input': 'x', 'output': 'a', 'meta': {'x': float('nan')}}])",
    "meta with a huge number": "submit([{'input': 'x', 'output': 'a', 'meta': {'x': 10**5000}}])",
    "meta 10,000 deep": (
        "m = {}\nfor _ in range(10_000): m = {'m': m}\nsubmit([{'input': 'x', 'output': 'a', 'meta': m}])"
    ),
    "meta of a trillion values": (
        "m = []\nfor _ in range(12): m = [m] * 10\nsubmit([{'input': 'x', 'output': 'a', 'meta': {'m': m}}])"
    ),
    "schema 10,000 deep": "s = {}\nfor _ in range(10_000): s = {'a': s}\nask('x', schema=s)",
    "schema that is text": "ask('x', schema='object')",
    "prompts that are one text": "ask_many('hello')",
    "a prompt that is a number": "ask(3)",
    "a huge prompt": "ask('x' * 1_000_000)",
    "huge max_tokens": "ask('x', max_tokens=10**12)",
    "turns that are no pairs": "ask('x', turns=['a', 'b'])",
    "ten thousand turns": "ask('x', turns=[('a', 'b')] * 10_000)",
    "text as max_tokens": "ask('x', max_tokens='many')",
    "negative temperature": "ask('x', temperature=-1)",
    "NaN temperature": "ask('x', temperature=float('nan'))",
    "options that are a list": "host_ask(['x'], [])",
    "no arguments": "host_submit()",
    "too many arguments": "host_log('a', 'b')",
    "keyword arguments": "host_submit(rows=[])",
}

OPTIONS = {
    "schema 10,000 deep": ("s = {}\nfor _ in range(10_000): s = {'a': s}\nask('x', schema=s)", RUNTIME),
    "schema of a trillion values": ("m = []\nfor _ in range(12): m = [m] * 10\nask('x', schema={'m': m})", RUNTIME),
    "an unknown option, 10,000 deep": ("m = {}\nfor _ in range(10_000): m = {'a': m}\nhost_ask(['x'], {'m': m})", None),
    "an unknown option of a trillion values": (
        "m = []\nfor _ in range(12): m = [m] * 10\nhost_ask(['x'], {'m': m})",
        None,
    ),
    "one wrong prompt among many": ("host_ask(['x'] * 9 + [3], {})", RUNTIME),
    "huge prompts": ("host_ask(['x'] * 9 + ['y' * 10_000_000] * 40, {})", RUNTIME),
}
"""Program -> how its trial ends."""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    yield
    assert not list(home.iterdir()), "the program wrote a file"


def verdict(folder: Path, program: str) -> Hosted:
    """Run it, time it, and see that the host is alive: its memory small, its journal writable, a good program works."""
    before = time.monotonic()
    result = carry_out(folder / "run", program)
    took = time.monotonic() - before
    assert took < QUICK.seconds + 2, f"the verdict came after {took:.1f} s"
    assert result.host.interruption is None, f"it would have ended the run: {result.host.interruption!r}"
    assert len(result.ending.error) <= ERROR_LIMIT + 200
    assert len(result.ending.printed) <= OUTPUT_LIMIT
    result.host.log("still here")
    result.journal.close()
    after = carry_out(folder / "after", "submit([{'input': ask('x').text, 'output': 'a'}])")
    assert (after.ending.error_class, after.host.accepted.total()) == (None, 1)
    after.journal.close()
    return result


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_program_ends_in_time(name: str, tmp_path: Path) -> None:
    program, expected = ENDLESS[name]
    assert verdict(tmp_path, program).ending.error_class == expected


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_program_that_takes_too_much_ends_in_a_verdict(name: str, tmp_path: Path) -> None:
    assert verdict(tmp_path, TOO_LARGE[name]).ending.error_class == RUNTIME


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_program_reaches_nothing_outside(name: str, tmp_path: Path) -> None:
    result = verdict(tmp_path, OUTSIDE[name])
    assert result.ending.error_class == RUNTIME
    assert "root:" not in result.ending.error + result.ending.printed


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_wrong_values_are_the_programs_error_and_not_the_runs(name: str, tmp_path: Path) -> None:
    result = verdict(tmp_path, WRONG_VALUES[name])
    assert result.ending.error_class == RUNTIME
    assert "the run is stopping" not in result.ending.error
    assert result.host.accepted.total() == 0


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_trial_reads_no_options_before_they_are_checked(options: tuple[str, str | None], tmp_path: Path) -> None:
    program, expected = options
    before = time.monotonic()
    result = carry_out(tmp_path, program, kind=TrialHost)
    assert time.monotonic() - before < QUICK.seconds + 2
    assert (result.ending.error_class, result.host.interruption) == (expected, None)


def test_a_hostile_program_may_catch_its_error_and_go_on(tmp_path: Path) -> None:
    result = verdict(tmp_path, "try:\n  submit(['x'])\nexcept ValueError as error:\n  log(error)\nsubmit([])")
    assert result.ending.error_class is None


def test_a_hostile_program_leaves_a_small_host_and_a_small_journal(tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    program = "row = {'input': 'x' * 1_000_000, 'output': 'y' * 1_000_000}\nwhile True: submit([row] * 50)"
    result = verdict(tmp_path, program)
    assert set(result.reasons()) == {"too_long"}
    assert (tmp_path / "run" / "run.db").stat().st_size < 80_000_000
    assert psutil.Process().memory_info().rss - before < 300_000_000


def test_a_log_flood_is_cut(tmp_path: Path) -> None:
    result = carry_out(tmp_path, "for number in range(300): log('line ' + str(number) + 'x' * 10_000)")
    lines = result.logged()
    assert len(lines) == MAX_LOG_LINES + 1
    assert all(len(line) <= 2000 for line in lines)
    assert "not kept" in lines[-1]


def test_values_that_are_no_text_are_rejected_row_by_row(tmp_path: Path) -> None:
    program = (
        "submit([{'input': ['x'], 'output': 'a'}, {'input': None, 'output': 'a'}, {'input': 'hello', 'output': 'a'}])"
    )
    result = carry_out(tmp_path, program)
    assert (result.ending.error, result.reasons()) == ("", ["malformed", "empty", ""])


@pytest.mark.parametrize(
    "reply",
    ["[" * 100_000 + "]" * 100_000, '{"n": ' + "9" * 5000 + "}", '["\\ud800"]', "{broken", "", "[1, 2…", "NaN"],
    ids=["deep", "huge number", "half a surrogate pair", "broken", "empty", "cut off", "not a number"],
)
def test_a_hostile_reply_reaches_the_program_as_text_only(reply: str, tmp_path: Path) -> None:
    program = "reply = ask('x', schema={'type': 'array'})\nlog('got ' + str(reply.data is None))"
    result = carry_out(tmp_path, program, lambda request: reply)
    assert result.host.interruption is None
    assert result.ending.error_class is None


def test_a_request_that_the_model_refuses_is_the_programs_error(tmp_path: Path) -> None:
    def refuses(request: Request) -> str:
        if "long" in prompt_of(request):
            raise RefusedRequest("a prompt of 3000 tokens does not fit into a context of 2048", "shorten it")
        return "fine"

    program = "try:\n  ask('a long one')\nexcept ValueError as error:\n  log(error)\nlog(ask('x').text)"
    result = carry_out(tmp_path, program, refuses)
    assert (result.ending.error, result.host.interruption) == ("", None)
    lines = result.logged()
    assert lines[1:] == ["fine"]
    assert "does not fit" in lines[0]


def test_a_hostile_meta_that_holds_itself_does_not_end_the_run(tmp_path: Path) -> None:
    # the sandbox writes such a value as the text "[...]"
    assert verdict(tmp_path, "m = {}\nm['m'] = m\nsubmit([{'input': 'x', 'output': 'a', 'meta': m}])").reasons() == [""]


@pytest.mark.parametrize("error", [ModelError("the weights are gone"), KeyboardInterrupt()])
def test_a_stop_of_the_run_passes_a_hostile_program_that_catches_everything(
    error: BaseException, tmp_path: Path
) -> None:
    def stops(request: Request) -> str:
        raise error

    program = "while True:\n  try:\n    ask('x')\n  except BaseException: pass"
    result = carry_out(tmp_path, program, stops)
    assert result.host.interruption is error
    assert len(result.teacher.asked) == 1, "it was asked again after the stop"


def test_a_hostile_ending_names_what_to_mend(tmp_path: Path) -> None:
    shown = {
        "while True: submit([])": "more than 400 times",
        "while True: print('x' * 1000)": "printed more than 200000 bytes",
        "submit([{'text': 'x'}])": "its keys are: 'text'",
        "raise ValueError('x' * 100_000)": "ValueError",
        "raise TimeoutError('the teacher is slow')": "the teacher is slow",
    }
    for number, (program, text) in enumerate(shown.items()):
        ending = carry_out(tmp_path / str(number), program, limits=replace(QUICK, seconds=20)).ending
        assert text in ending.error
    assert "may run for 1 s" in carry_out(tmp_path / "endless", "while True: pass").ending.error


def test_a_timeout_that_the_program_raises_itself_is_no_timeout(tmp_path: Path) -> None:
    assert carry_out(tmp_path, "raise TimeoutError('slow')").ending.error_class == RUNTIME


def test_the_sandbox_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    program = (
        "import time\nfrom datetime import datetime\n"
        "words = list({'red', 'green', 'blue', 'grey', 'pink'})\n"
        "for _ in range(8):\n"
        "  random.shuffle(words)\n"
        "  ask(' '.join(words) + str(random.random()) + str(hash('x')), temperature=random.random())\n"
        "ask(str(time.time()) + str(datetime.now()))\n"
        "submit([{'input': ask('x').text + str(random.randint(0, 9)), 'output': 'a'}])\n"
    )
    runs = [carry_out(tmp_path / str(number), program, seed=seed) for number, seed in enumerate((7, 7, 8))]
    asked = [[request.hash for request in run.teacher.asked] for run in runs]
    assert [run.ending.error for run in runs] == ["", "", ""]
    assert asked[0] == asked[1]
    assert asked[0] != asked[2]
    assert [row["id"] for row in runs[0].rows()] == [row["id"] for row in runs[1].rows()]


def test_the_sandbox_replays_without_asking_again(tmp_path: Path) -> None:
    program = "for n in range(5): submit([{'input': ask('n' + str(n)).text + str(n), 'output': 'a'}])"
    first = carry_out(tmp_path, program, rows={"a": 9})
    first.journal.close()
    again = carry_out(tmp_path, program, rows={"a": 9})
    assert len(first.teacher.asked) == 5
    assert again.teacher.asked == []
    assert again.host.accepted == first.host.accepted


def test_the_default_limits_hold_a_hostile_program_too(tmp_path: Path) -> None:
    before = time.monotonic()
    limits = Limits()
    result = carry_out(tmp_path, "while True:\n  try:\n    ask('x')\n  except BaseException: pass", limits=limits)
    assert result.ending.error_class == TIMEOUT
    assert time.monotonic() - before < limits.seconds + 2


def test_errors_of_the_sandbox_are_for_people() -> None:
    assert issubclass(RefusedRequest, SchoolhouseError)
