"""The menus' forms against Discord's limits, and against the modes that they lead to."""

from dataclasses import replace

import pytest

from bot.catalogue.registry import by_id
from bot.texts.menus import (
    MENU_ENTRIES,
    PICTURE_AND_SOUND,
    REFERENCE,
    SOUNDTRACK,
    WHICH,
    Menu,
    MenuEntry,
    form_parts,
    no_file,
    own_video,
)
from tests.support.catalogue_samples import PICKER

MENUS = [menu for entry in MENU_ENTRIES for menu in entry.ways]
named = pytest.mark.parametrize("menu", MENUS, ids=lambda menu: menu.name)
COUNTS = (1, 2, 10)


def test_five_menus_at_most() -> None:
    """discord.py takes five message menus of a bot, with names of at most 32 characters; a form's title has 45."""
    assert len(MENU_ENTRIES) == 5
    assert all(1 <= len(entry.name) <= 32 for entry in MENU_ENTRIES)
    assert all(1 <= len(menu.name) <= 45 for menu in MENUS)


@pytest.mark.parametrize(
    ("kinds", "way"),
    [
        ({"image"}, REFERENCE),
        ({"video"}, REFERENCE),
        ({"image", "video"}, REFERENCE),
        ({"audio"}, SOUNDTRACK),
        ({"audio", "video"}, SOUNDTRACK),
        ({"image", "audio"}, PICTURE_AND_SOUND),
        ({"image", "video", "audio"}, PICTURE_AND_SOUND),
        ({""}, None),
        (set[str](), None),
    ],
)
def test_the_kind_of_file_decides_how_it_is_used(kinds: set[str], way: Menu | None) -> None:
    """One entry leads to three forms: a sound drives the video of a picture, anything else is a reference."""
    assert MENU_ENTRIES[-1].way_for(kinds, PICKER) == way


def test_a_way_without_a_price_is_not_offered() -> None:
    """Of an entry with several ways those stay whose mode has a price."""
    prices = replace(
        PICKER.prices, rows={key: rate for key, rate in PICKER.prices.rows.items() if "image" not in key[0]}
    )
    picker = replace(PICKER, prices=prices)
    assert MENU_ENTRIES[-1].way_for({"audio"}, picker) is None
    assert MENU_ENTRIES[-1].way_for({"image"}, picker) == REFERENCE
    assert [entry.name for entry in MENU_ENTRIES if entry.open_ways(picker)] == [
        "Edit video",
        "Restyle video",
        "Use in a video",
    ]


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
    (prompt,) = (part for part in form_parts(REFERENCE, ["x.png"] * 7, PICKER) if part.name == "prompt")
    assert "Of these 7 files, the first 5" in prompt.hint


@pytest.mark.parametrize("entry", MENU_ENTRIES, ids=lambda entry: entry.name)
def test_the_sentence_for_wandas_own_message(entry: MenuEntry) -> None:
    """It does not say that there is no video, which everybody sees, but names the buttons below it."""
    sentence = own_video(entry)
    assert entry.name in sentence
    assert "Press a button below it" in sentence
    assert "has none" not in sentence


@pytest.mark.parametrize("entry", MENU_ENTRIES, ids=lambda entry: entry.name)
def test_the_sentence_for_no_file(entry: MenuEntry) -> None:
    """A message without a fitting file is answered with what fits and what to do."""
    sentence = no_file(entry)
    assert entry.name in sentence
    assert "Choose another message" in sentence
