"""Members' names are made harmless where they enter."""

import pytest

from cogs.admin.member_names import NAME_CHARS_MAX, shown_name


@pytest.mark.parametrize(
    ("display_name", "shown"),
    [
        ("Ma\u202eker\n", "Maker"),
        ("\u200f" * 32, "maker"),
        ("\u3164", "maker"),
        ("x" * 400, "x" * (NAME_CHARS_MAX - 1) + "…"),
        ("\U0001f600" * 30, "\U0001f600" * 30),
    ],
)
def test_shown_name(display_name: str, shown: str) -> None:
    """It is one short line without invisible characters; the user name stands in for nothing to see."""
    assert shown_name(display_name, "maker") == shown
