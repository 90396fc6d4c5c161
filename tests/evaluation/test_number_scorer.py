from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.evaluation.scorers import number
from toolkit.evaluation.scorers.number import read_quantity
from toolkit.evaluation.scorers.units import parse_unit
from toolkit.types import Item


def item(output: str, question: str = "How much?", **meta: object) -> Item:
    return Item("1", "gate", question, output, meta=meta)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("$1,234.5", 1234.5),
        ("12.5 %", 12.5),
        ("-4,079", -4079),
        ("−17.5", -17.5),
        ("$-167$", -167),
        ("-$5.20", -5.2),
        ("(1,250)", -1250),
        ("3.2e-4 mol/L", 3.2e-4),
        ("3.2 × 10^-4 mol/L", 3.2e-4),
        (r"3.2 \times 10^{-4}", 3.2e-4),
        ("3.2*10**-4", 3.2e-4),
        ("3.2 × 10⁻⁴ mol", 3.2e-4),
        ("10^{-3}", 1e-3),
        ("10^\t{5}", 1e5),
        ("1\u00a0234\u00a0567.5", 1234567.5),
        ("1\u202f000", 1000),
        ("1/4", 0.25),
        (r"$\frac{729}{4096}$", 729 / 4096),
        (r"$-\frac{1}{2}$", -0.5),
        (r"$1800\pi$", 5654.867),
        (r"so we get \boxed{3.14} as of 2008", 3.14),
        (r"\boxed{\frac{1}{17}}", 1 / 17),
        ("The answer is 12, since 3 and 4 make 7 twice", 12),
        ("3 + 4 = 7", 7),
        ("It takes 3 steps, so 90", 90),
        ("x = 12 m after 4 s", 12),
        ("12 kJ mol^-1", 12),
        ("#### 5", 5),
        ("<think>maybe 4</think>5", 5),
        (".5", 0.5),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    found = read_quantity(text)
    assert found is not None
    assert found.value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("text", ["", "none", "1/0", "1e9999", "9" * 4000, "v2.b", "CO2"])
def test_a_text_without_a_usable_number_has_none(text: str) -> None:
    assert read_quantity(text) is None


@pytest.mark.parametrize(
    ("unit", "answer", "score"),
    [
        ("kJ/mol", "131", 1),
        ("kJ/mol", "131 kJ/mol", 1),
        ("kJ/mol", "131000 J/mol", 1),
        ("kJ/mol", "131 J/mol", 0),
        ("kJ/mol", "131 kJ", 0),
        (r"$\mathrm{kJ} \mathrm{mol}^{-1}$", "131 kJ/mol", 1),
        (r"$\mathrm{~kJ} / \mathrm{mol}$", r"131 \mathrm{kJ} \mathrm{mol}^{-1}", 1),
        ("cm", "1.31 m", 1),
        ("$", "$131", 1),
        ("$", "131 dollars", 1),
        ("$", "€131", 0),
        ("%", "131 %", 1),
        ("%", "131", 1),
        (r"$10^{-35} \mathrm{~J} \mathrm{~s}$", "131", 1),
        (r"$10^{-35} \mathrm{~J} \mathrm{~s}$", "131e-35 J s", 1),
        (r"$10^{-35} \mathrm{~J} \mathrm{~s}$", "1.31e-33", 1),
        (r"$10^{-35} \mathrm{~J} \mathrm{~s}$", "131 J s", 0),
        ("widgets", "131 widgets", 1),
        (r"$10^{16}$ photons", "131e16 photons", 1),
        (r"$\mu \mathrm{C}$", "0.131 mC", 1),
        (r"$\$$", "131 dollars", 1),
        ("m", "131 in total", 1),
    ],
)
def test_units_are_converted_and_missing_ones_forgiven(unit: str, answer: str, score: float) -> None:
    assert number(item("131", unit=unit), answer) == score


def test_percent_and_millions_are_read_both_ways_only_where_that_is_meant() -> None:
    assert number(item("0.125"), "12.5 %") == number(item("12.5"), "12.5 %") == 1
    assert number(item("0.125"), "12.5") == 0
    assert number(item("77", "How much, in $ millions?"), "$77 million") == 1
    assert number(item("77"), "$77 million") == 0
    assert number(item("77000000"), "$77 million") == number(item("77000000"), "$77M") == 1


def test_the_tolerance_is_relative_and_comes_with_the_item() -> None:
    assert number(item("100"), "100.9") == 1
    assert number(item("100"), "101.5") == 0
    assert number(item("100", tolerance=0.05), "104") == 1
    assert number(item("100", tolerance="0.002"), "100.5") == 0
    assert number(item("100", tolerance=0), "100") == number(item("100", tolerance="0"), "100.0") == 1
    assert number(item("100", tolerance=0), "100.0001") == 0
    assert number(item("131", unit="kJ", tolerance=0), "131000 J") == 1
    assert number(item("1234567890", tolerance=0), "1234567891") == 0
    assert number(item("100", tolerance=5), "300") == number(item("100", tolerance=1), "300") == 0
    assert number(item("0"), "0.0") == 1
    assert number(item("0"), "0.01") == 0


def test_yes_and_no_are_answers_too() -> None:
    assert number(item("True"), "yes") == 1
    assert number(item("False"), "True.") == 0


@given(st.floats(min_value=1e-12, max_value=1e12), st.sampled_from(["{:.6e}", "{:,.6f}", "${:.3f}", "{:.9g} kJ"]))
def test_a_number_written_in_any_form_is_itself(value: float, form: str) -> None:
    written = form.format(value)
    found = read_quantity(written)
    assert found is not None
    assert number(item(repr(found.value)), written) == 1


@given(st.floats(min_value=0.01, max_value=1e6), st.floats(min_value=1.03, max_value=50))
def test_a_number_outside_the_tolerance_is_wrong(value: float, factor: float) -> None:
    assert number(item(repr(value)), repr(value * factor)) == 0


def test_units_that_are_none_are_not_read() -> None:
    assert parse_unit("") is None
    assert parse_unit("shares of stock") is None
    assert parse_unit("J K^-1") == parse_unit("J/K") == parse_unit(r"$\mathrm{J} \mathrm{K}^{-1}$")
    assert parse_unit("10^99 10^99 10^99 10^99 m") is None
