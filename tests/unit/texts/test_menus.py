"""The menus' forms against Discord's limits, and against the modes that they lead to."""

import pytest

from bot.catalogue.registry import by_id
from bot.texts.menus import MENUS, WHICH, Menu, form_parts, no_file
from tests.support.catalogue_samples import PICKER

named = pytest.mark.parametrize("menu", MENUS, ids=lambda menu: menu.name)
COUNTS = (1, 2, 10)


def test_five_menus_at_most() -> None:
    """Discord takes five message menus of a bot, with names of at most 32 characters."""
    assert len(MENUS) == 5
    assert all(1 <= len(menu.name) <= 32 for menu in MENUS)


@named
@pytest.mark.parametrize("count", COUNTS)
def test_a_form_within_discords_limits(menu: Menu, count: int) -> None:
    """A form has one to five parts with unique names, short labels and hints, and a prompt among them."""
    parts = form_parts(menu, ["a rather long name of a file " * 4] * count, PICKER)
    assert 1 <= len(parts) <= 5
    assert len({part.name for part in parts}) == len(parts)
    assert "prompt" in {part.name for part in parts}
    for part in parts:
        assert 1 <= len(part.label) <= 45
        assert 1 <= len(part.hint) <= 100
        assert part.length_max <= 4000
        assert len(part.value) <= part.length_max
        assert all(len(choice.label) <= 100 and len(choice.value) <= 100 for choice in part.choices)
        assert len(part.choices) <= 25
        if part.choices:
            assert sum(choice.chosen for choice in part.choices) == 1


@named
def test_every_part_is_an_option_of_the_mode(menu: Menu) -> None:
    """A form asks for nothing that its mode does not have, and fills only file options of the right kind."""
    mode = by_id(menu.mode_id)
    asked = {*menu.asks, *([menu.upload] if menu.upload else [])}
    assert asked <= set(mode.specs())
    assert {name for name in asked if mode.specs()[name].required} <= asked
    for kind, options in menu.takes.items():
        assert all(mode.media()[option].kind == kind for option in options)


@named
def test_which_is_asked_only_where_there_is_a_choice(menu: Menu) -> None:
    """One fitting file leaves no choice; neither does a mode that takes several."""
    assert form_parts(menu, ["one.png"], PICKER)[0].name != WHICH
    assert (form_parts(menu, ["one.png", "two.png"], PICKER)[0].name == WHICH) == menu.takes_one


def test_too_many_references_are_told() -> None:
    """The form says which files are used when there are more than the mode takes."""
    menu = next(menu for menu in MENUS if not menu.takes_one)
    (prompt,) = (part for part in form_parts(menu, ["x.png"] * 7, PICKER) if part.name == "prompt")
    assert "Of these 7 files, the first 5" in prompt.hint


@named
def test_the_sentence_for_no_file(menu: Menu) -> None:
    """A message without a fitting file is answered with what fits and what to do."""
    sentence = no_file(menu)
    assert menu.name in sentence
    assert "Choose another message" in sentence
