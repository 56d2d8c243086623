import pytest

from bot.errors import OptionRefused
from cogs import history_pages
from cogs.base import page


def test_a_cursor_comes_back_exactly() -> None:
    """A cursor's time and id survive the way through a button's id, to the microsecond."""
    for at, identity in ((1795149313.123457, "a" * 32), (0.1 + 0.2, "job:settle:server:1")):
        assert page.read_cursor(page.cursor_text(at, identity)) == (at, identity)
    assert history_pages._place(page.cursor_text(1.5, "a/settle")) == (1.5, "a", "settle")
    assert page.read_cursor("") is None
    assert history_pages._place("") is None
    assert history_pages._number("") is None
    assert history_pages._number("12") == 12


@pytest.mark.parametrize("cursor", ["x/y", "nan/", "1e999/a", "none"])
def test_another_cursor_is_refused(cursor: str) -> None:
    """An invalid cursor is refused with a sentence."""
    with pytest.raises(OptionRefused, match="Use the command again"):
        page.read_cursor(cursor)


@pytest.mark.parametrize("cursor", ["x", "-1", "²", "1.5"])
def test_another_number_is_refused(cursor: str) -> None:
    """An invalid number is refused with a sentence."""
    with pytest.raises(OptionRefused, match="Use the command again"):
        history_pages._number(cursor)
