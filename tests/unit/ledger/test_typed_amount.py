from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import OptionRefused
from bot.ledger.typed_amount import typed_amount
from bot.money import exact_dollars


@pytest.mark.parametrize(
    ("text", "microusd"),
    [
        ("5", 5_000_000),
        ("$5", 5_000_000),
        ("5$", 5_000_000),
        ("5.50", 5_500_000),
        (" $ 5.5 ", 5_500_000),
        ("0", 0),
        ("$0.000001", 1),
        (".5", 500_000),
        ("5.", 5_000_000),
        ("1,000", 1_000_000_000),
        ("1,000.25", 1_000_250_000),
        ("1000000", 1_000_000_000_000),
        ("1,000,000.000000", 1_000_000_000_000),
        ("0007", 7_000_000),
    ],
)
def test_amounts_are_read_exactly(text: str, microusd: int) -> None:
    """A number with or without a dollar sign, decimals and thousands becomes exact micro-dollars."""
    assert typed_amount(text) == microusd


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("-5", "is negative"),
        ("$-5", "is negative"),
        ("\u22125", "is negative"),
        ("5.0000001", "more than 6 decimals"),
        ("1000000.01", "above $1,000,000"),
        ("99999999999999999999", "above $1,000,000"),
        ("five", "an amount"),
        ("", "The amount is empty. Write it in dollars"),
        ("$", "The amount is empty. Write it in dollars"),
        (".", "an amount"),
        ("5 dollars", "an amount"),
        ("5,50", "an amount"),
        ("1,00,000", "an amount"),
        ("1e3", "an amount"),
        ("NaN", "an amount"),
        ("Infinity", "an amount"),
        ("5.5.5", "an amount"),
        ("+5", "an amount"),
        ("0x10", "an amount"),
        ("\u0665", "an amount"),
        ("1_000", "an amount"),
        ("9" * 5000, "an amount"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    """The sentence says what is wrong, and is one that can be shown to everyone."""
    with pytest.raises(OptionRefused) as refused:
        typed_amount(text)
    said = str(refused.value)
    assert sentence in said
    assert said.endswith(".")
    assert len(said) < 200


def test_a_refusal_does_not_repeat_what_would_ping_or_format() -> None:
    """A refusal quotes typed text without Discord's markup characters."""
    with pytest.raises(OptionRefused) as refused:
        typed_amount("@everyone **`5`** <@1>")
    assert not set("@*`<>") & set(str(refused.value))


@given(st.decimals(0, 1_000_000, places=6))
def test_what_is_said_is_what_is_read(value: Decimal) -> None:
    """An amount as Wanda writes it is read back as the same amount."""
    microusd = int(value * 1_000_000)
    assert typed_amount(exact_dollars(microusd)) == microusd
    assert typed_amount(f"{value:f}") == microusd


@given(st.text(max_size=60))
def test_no_text_is_ever_read_as_anything_but_an_amount(text: str) -> None:
    """Any text is an amount from zero to a million dollars, or refused."""
    try:
        read = typed_amount(text)
    except OptionRefused:
        read = 0
    assert 0 <= read <= 1_000_000_000_000
