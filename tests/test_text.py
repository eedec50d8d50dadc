"""Numbers as people write them: what is printed can be read back, and what is read is meant."""

import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scaling.text import human, parse_number, percent, rounded, scalar_text

SETTINGS = settings(derandomize=True, database=None, deadline=None, max_examples=400)

# 1e307 leaves room for rounding up; below 1e-300 a float has fewer digits than it prints.
SIZES = st.floats(1e-300, 1e307)
NUMBERS = st.one_of(SIZES, SIZES.map(lambda x: -x), st.floats(-1e16, 1e16).filter(
    lambda x: x == 0 or abs(x) > 1e-300))  # fmt: skip


def half_a_digit(value, digits):
    """Most that rounding to so many significant digits may move a value."""
    return 0.5 * 10.0 ** (1 - digits) * abs(value) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("70B", 70e9), ("70b", 70e9), ("7G", 7e9), ("1.4T", 1.4e12), ("1.4t", 1.4e12),
        ("350M", 350e6), ("350m", 350e6), ("12k", 12e3), ("12K", 12e3), ("6e18", 6e18),
        ("6E18", 6e18), ("6e+18", 6e18), ("1.5e-4", 1.5e-4), ("1,000", 1000.0),
        ("1,234,567.5", 1234567.5), ("-1,000", -1000.0), ("1_000_000", 1e6), ("+7", 7.0),
        ("-3.5", -3.5), (".5", 0.5), ("5.", 5.0), ("0", 0.0), ("  70 B ", 70e9), ("70B\n", 70e9),
        ("\u00a070B", 70e9), ("1,000K", 1e6), ("007", 7.0), ("2.5e3K", 2.5e6), ("0.0", 0.0),
    ],
)  # fmt: skip
def test_text_that_is_a_number(text, number):
    assert parse_number(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", "+", ".", "e5", "1e", "1e+", "B", "-B", "abc", "nan", "NaN", "inf", "-inf",
        "Infinity", "None", "NA", "null", "1,5", "1,50", "1,0000", "12,34,567", ",5", ",000",
        "1,,000", "1.000,5", "1.000.000", "1.2.3", "1 000", "1'000", "70 B params", "70BB", "70MB",
        "B70", "5%", "$5", "0x10", "1/2", "½", "10^18", "6*10^18", "6\u00d710\u00b9\u2078",
        "1e5.5", "--1", "1-2",
        "\u22125",
        "1;2", "1+2j", "True", "2024-01-01", "70 Billion", "~70B", "70B*", ">70B", "1e6,000",
        "1\n2", "\x00", "7\x00", "①",
    ],
)  # fmt: skip
def test_text_that_is_no_number(text):
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize("number", [0, 3, -3, 2.5, 10**20, math.inf, -math.inf])
def test_a_number_is_itself(number):
    assert parse_number(number) == number


def test_a_missing_number_is_missing():
    assert math.isnan(parse_number(math.nan))


def test_text_too_large_for_a_float_is_infinite_and_not_an_error():
    assert parse_number("1e400") == math.inf
    assert parse_number("-" + "9" * 400) == -math.inf


@given(st.text(max_size=40))
@SETTINGS
def test_any_text_is_a_number_or_nan(text):
    assert isinstance(parse_number(text), float)


@given(st.text(alphabet="0123456789.,_eE+-kKmMbBgGtT \t\u00a0", max_size=20))
@SETTINGS
def test_any_text_that_looks_like_a_number_is_one_or_nan(text):
    found = parse_number(text)
    assert isinstance(found, float)
    if text.strip() == "":
        assert math.isnan(found)


@given(st.integers(-(10**18), 10**18))
@SETTINGS
def test_whole_numbers_are_read_with_commas_underscores_or_neither(number):
    for text in (str(number), f"{number:,}", f"{number:_}"):
        assert parse_number(text) == float(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
@SETTINGS
def test_a_float_as_python_prints_it_is_read_exactly(number):
    assert parse_number(repr(number)) == number


@given(st.floats(1e-3, 999.0), st.sampled_from("kKmMbBgGtT"), st.sampled_from(["", " ", "  "]))
@SETTINGS
def test_a_suffix_multiplies(number, suffix, gap):
    scale = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}[suffix.lower()]
    assert parse_number(f"{number!r}{gap}{suffix}") == pytest.approx(number * scale, rel=1e-15)


@pytest.mark.parametrize(
    "text", ["1" * 5000 + "x", "1," * 2500 + "x", "1_" * 2500, " " * 5000 + "x", "1" * 5000]
)
def test_long_text_is_read_in_no_time(text):
    started = time.process_time()
    parse_number(text)
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (0.5, "0.5"), (1, "1"), (12, "12"), (999, "999"), (1000, "1K"), (1500, "1.5K"),
        (70e9, "70B"), (1.4e12, "1.4T"), (123e12, "123T"), (5.76e23, "5.76e23"), (1e15, "1e15"),
        (6e18, "6e18"), (-70e9, "-70B"), (-5.76e23, "-5.76e23"), (1e-3, "0.001"),
        (2.5e-4, "2.5e-4"), (1e-300, "1e-300"), (1e300, "1e300"), (999.6, "1K"), (999_999, "1M"),
        (999_999_999, "1B"), (0.1 + 0.2, "0.3"), (math.inf, "inf"), (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)  # fmt: skip
def test_the_short_form_of_a_number(number, text):
    assert human(number) == text


@given(NUMBERS, st.integers(1, 8))
@example(999_999.0, 3)
@example(9.996e14, 3)
@example(0.00099999, 3)
@example(-999.9999, 2)
@SETTINGS
def test_the_short_form_is_read_back_within_its_rounding(number, digits):
    back = parse_number(human(number, digits))
    assert abs(back - number) <= half_a_digit(number, digits)


@given(NUMBERS)
@SETTINGS
def test_the_short_form_is_short_and_has_no_padding(number):
    text = human(number)
    assert len(text) <= len("-1.23e-300")
    assert text == text.strip()
    assert "e+" not in text
    assert "e0" not in text


@given(NUMBERS, NUMBERS)
@SETTINGS
def test_the_short_form_keeps_the_order(one, other):
    low, high = sorted((one, other))
    assert parse_number(human(low)) <= parse_number(human(high))


@given(SIZES)
@SETTINGS
def test_the_sign_changes_nothing_else_in_the_short_form(size):
    assert human(-size) == "-" + human(size)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.3395, 0.0123, "0.340"), (482.01, 124.6, "482"), (1.8172, 0.01, "1.817"),
        (1.8172, 0.1, "1.82"), (1.8172, 1.0, "1.8"), (1.8172, 10.0, "2"), (2085.43, 0.5, "2085.43"),
        (-0.3395, 0.0123, "-0.340"), (0.0, 0.01, "0"), (2.8736e9, 3e8, "2.87B"),
        (201592.0, 59e3, "202K"), (1e20, 1e18, "1e20"),
        (1.8172, math.nan, "1.817"), (1.8172, 0.0, "1.817"), (1.8172, -1.0, "1.817"),
        (1.8172, math.inf, "1.817"), (math.nan, 0.1, "nan"), (math.inf, 0.1, "inf"),
        (-math.inf, math.nan, "-inf"),
    ],
)  # fmt: skip
def test_a_value_has_the_digits_its_error_leaves(value, error, text):
    assert rounded(value, error) == text


@given(st.floats(-1e14, 1e14), st.floats(1e-11, 1e14))
@example(1234567.8, 1.0)
@example(2.8736e9, 3e8)
@SETTINGS
def test_rounding_to_an_error_moves_a_value_by_a_twentieth_of_it_at_most(value, error):
    moved = abs(parse_number(rounded(value, error)) - value)
    in_short_form = half_a_digit(value, 6) if abs(value) >= 1e4 else 1e-15 * abs(value)
    assert moved <= 0.05 * error * (1 + 1e-6) + in_short_form


@given(st.floats(1e-3, 1e4, exclude_max=True), st.floats(1e-9, 1e4))
@SETTINGS
def test_two_digits_of_the_error_are_kept(value, error):
    decimals = max(0, 1 - math.floor(math.log10(error)))
    assert len(rounded(value, error).partition(".")[2]) == decimals


@pytest.mark.parametrize("error", [1e-12, 1e-13, 1e-16, 1e-300, 5e-324])
def test_a_smaller_error_never_costs_digits(error):
    value = 1.23456789
    assert abs(parse_number(rounded(value, error)) - value) <= half_a_digit(value, 4)


@pytest.mark.parametrize(("value", "error"), [(-0.0001, 0.1), (-1e-9, 0.5), (-0.4, 200.0)])
def test_nothing_is_never_negative(value, error):
    assert float(rounded(value, error)) == 0
    assert not rounded(value, error).startswith("-")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.81722, "1.817"), (2143.42, "2143"), (4.2e-9, "4.2e-9"), (0.0, "0"), (0.001, "0.001"),
        (-1.81722, "-1.817"), (0.5, "0.5"), (123456.0, "123.5K"), (5.88123e23, "5.881e23"),
        (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (0.99999, "1"),
    ],
)  # fmt: skip
def test_a_bare_number_has_four_digits(value, text):
    assert scalar_text(value) == text


@given(NUMBERS)
@SETTINGS
def test_a_bare_number_is_read_back_within_its_rounding(value):
    assert abs(parse_number(scalar_text(value)) - value) <= half_a_digit(value, 4)


@pytest.mark.parametrize("value", [1e15 - 1, 999_960_000_000_000.0, 1e15, 1.5e15, -(1e15 - 1)])
def test_powers_of_ten_are_written_one_way(value):
    assert "e+" not in scalar_text(value)
    assert "e+" not in human(value)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (0.01, "1%"), (0.25, "25%"), (0.5, "50%"), (0.99, "99%"), (1.0, "100%"),
     (1e-9, "under 1%"), (0.0099, "under 1%"), (0.991, "over 99%"), (1 - 1e-9, "over 99%")],
)  # fmt: skip
def test_a_share_in_words(share, text):
    assert percent(share) == text


@given(st.floats(0, 1))
@SETTINGS
def test_a_few_are_never_none_and_nearly_all_never_all(share):
    text = percent(share)
    assert (text == "0%") == (share == 0)
    assert (text == "100%") == (share == 1)
