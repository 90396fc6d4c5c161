from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text import JOINERS, about, ago, clean, duration, percent


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("[bold]x[/] \x1b]0;hi\x07 عربى", "[bold]x[/]  عربى"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x9b31mb", "ab"),
        ("one\r\ntwo\nthree\ttabs", "one⏎two⏎three tabs"),
        ("abc\u202edcba\u202c\u200f", "abcdcba"),
        ("\x1bP+q544e\x1b\\after", "after"),
        ("ends in \x1b", "ends in "),
        ("\x1b]0;open, and the rest stays", "0;open, and the rest stays"),
        ("\x1bPopen\nnext\x1b\\", "open⏎next"),
        ("می\u200cخواهم 👩\u200d🚀", "می\u200cخواهم 👩\u200d🚀"),
    ],
)
def test_text_of_a_model_is_shown_as_one_harmless_line(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text(max_size=300))
def test_nothing_that_steers_a_terminal_survives(raw: str) -> None:
    found = clean("\x1b" + raw, limit=200)
    assert len(found) <= 200
    assert not [
        character
        for character in found
        if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in JOINERS
    ]


def test_long_text_is_cut_with_a_sign() -> None:
    assert clean("x" * 1000, limit=10) == "x" * 9 + "…"


def test_times_in_words() -> None:
    assert [duration(value) for value in (0, 41, 724, 3753)] == ["0:00", "0:41", "12:04", "1:02:33"]
    assert [about(value) for value in (20, 540, 4800)] == ["under a minute", "9 min", "1 h 20 min"]
    assert [ago(value) for value in (5, 300, 7300, 200_000)] == ["just now", "5 min ago", "2 h ago", "2 days ago"]
    assert percent(0.7411) == "74.1 %"
