"""The custom ids of a film's buttons and selects, letter for letter."""

import re
from typing import get_args

import pytest

from bot.texts import button_ids
from bot.texts import film_ids as ids

FILM, SHOT = "0123456789abcdef" * 2, "01234567"
IDS = [
    *(
        (ids.draft_button_id(one, FILM, SHOT), f"wanda:draft:{one}:{FILM}:{SHOT}", ids.DRAFT_TEMPLATE)
        for one in get_args(ids.DraftAction)
    ),
    (ids.draft_button_id("home", FILM), f"wanda:draft:home:{FILM}:", ids.DRAFT_TEMPLATE),
    (ids.draft_select_id(FILM), f"wanda:drafts:{FILM}", ids.DRAFT_SELECT_TEMPLATE),
    *(
        (ids.film_button_id(one, FILM, SHOT), f"wanda:film:{one}:{FILM}:{SHOT}", ids.FILM_TEMPLATE)
        for one in get_args(ids.FilmAction)
    ),
    (ids.film_button_id("stop", FILM), f"wanda:film:stop:{FILM}:", ids.FILM_TEMPLATE),
    (ids.draft_button_id("make", FILM, microusd=0), f"wanda:draft:make:{FILM}::0", ids.DRAFT_TEMPLATE),
    (ids.film_button_id("retry", FILM, SHOT, microusd=9), f"wanda:film:retry:{FILM}:{SHOT}:9", ids.FILM_TEMPLATE),
    (
        ids.redo_button_id("seed", "rest", FILM, SHOT, microusd=999_999_999_999),
        f"wanda:redo:seed:rest:{FILM}:{SHOT}:999999999999",
        ids.REDO_TEMPLATE,
    ),
    (ids.film_select_id(FILM), f"wanda:shots:{FILM}", ids.FILM_SELECT_TEMPLATE),
    *(
        (ids.redo_button_id(how, what, FILM, SHOT), f"wanda:redo:{how}:{what}:{FILM}:{SHOT}", ids.REDO_TEMPLATE)
        for how in get_args(ids.RedoHow)
        for what in get_args(ids.RedoWhat)
    ),
]
TEMPLATES = {
    value for module in (ids, button_ids) for name, value in vars(module).items() if name.endswith("_TEMPLATE")
}


@pytest.mark.parametrize(("custom_id", "on_the_wire", "template"), IDS, ids=[wire for _, wire, _ in IDS])
def test_an_id_never_changes(custom_id: str, on_the_wire: str, template: str) -> None:
    """An id is as it always was, within Discord's 100 characters, and exactly one template matches it."""
    assert custom_id == on_the_wire
    assert len(custom_id) <= 100
    assert [one for one in TEMPLATES if re.fullmatch(one, custom_id)] == [template]


def test_no_action_was_renamed() -> None:
    """Buttons that were posted long ago name these actions."""
    assert set(get_args(ids.DraftAction)) == {
        *("home", "add", "open", "edit", "up", "down", "remove", "bare"),
        *("look", "mute", "make", "sure", "ask", "chip", "drop", "gone", "new"),
    }
    assert set(get_args(ids.FilmAction)) == {"stop", "retry", "edit", "skip", "finish", "continue", "recipe"}


@pytest.mark.parametrize(("price", "microusd"), [("", None), (":0", 0), (":1500000", 1_500_000)])
def test_the_price_on_a_button(price: str, microusd: int | None) -> None:
    """It is part of the id; buttons of old have none."""
    assert ids.shown_microusd(price) == microusd
