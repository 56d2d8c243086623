"""What a form of a film takes: anybody can send anything."""

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import OptionRefused
from bot.films.model import Joining, Shot
from cogs.films import forms
from tests.support.film_samples import a_draft, a_picture, a_shot


@pytest.mark.parametrize("values", [[], [""], ["0"], ["16"], ["5.0"], ["-5"], ["\u0665"], ["9" * 5000]])
def test_a_length_that_was_not_offered(values: list[str]) -> None:
    """Only a length of the family's list is taken."""
    with pytest.raises(OptionRefused):
        forms.chosen_seconds(a_draft(), values)


def test_lengths_are_those_of_the_family() -> None:
    """Wan 2.7 makes 2 to 15 s, Wan 2.5 5 or 10 s (https://fal.ai/models/fal-ai/wan-25-preview/image-to-video)."""
    assert forms.chosen_seconds(a_draft(), ["15"]) == 15
    assert forms.chosen_seconds(a_draft(family="wan25"), ["10"]) == 10
    with pytest.raises(OptionRefused):
        forms.chosen_seconds(a_draft(family="wan25"), ["7"])


@pytest.mark.parametrize(
    ("way", "files", "before", "joining"),
    [
        ("continue", {}, None, "continue"),
        ("continue", {"end_image"}, None, "morph"),
        ("cut", {"image", "end_image"}, None, "morph"),
        ("cut", {"end_image"}, a_shot(1), "morph"),
        ("cut", {"end_image"}, None, "cut"),
        ("morph", {"end_image"}, None, "morph"),
    ],
)
def test_a_last_picture_makes_it_a_morph(way: str, files: set[str], before: Shot | None, joining: Joining) -> None:
    """Where it cannot mean anything else; a cut without a first picture stays one, and the panel says what is wrong."""
    given: dict[str, Any] = {option: a_picture(f"{option}.png") for option in files}
    assert forms.chosen_joining([way], given, before) == joining


@pytest.mark.parametrize("values", [[], [""], ["CUT"], ["fade"]])
def test_a_way_of_joining_that_there_is_not(values: list[str]) -> None:
    """Only cut, continue and morph are taken."""
    with pytest.raises(OptionRefused):
        forms.chosen_joining(values, {}, None)


@pytest.mark.parametrize("text", ["-1", "1.5", "2147483648", "\u0663", "\u00b2", "9" * 20, "x"])
def test_a_seed_that_fal_does_not_take(text: str) -> None:
    """Only whole numbers up to 2,147,483,647 are taken, in the digits 0 to 9."""
    with pytest.raises(OptionRefused):
        forms.typed_seed(text)


def test_seeds() -> None:
    """An empty field asks for a new one."""
    assert forms.typed_seed("") is None
    assert forms.typed_seed("0") == 0
    assert forms.typed_seed("2147483647") == 2_147_483_647


def test_only_replaced_pictures_are_forgotten() -> None:
    """A picture that was kept stays when the other one is replaced."""
    shot = replace(a_shot(1, "morph"), picture=a_picture("first.png"))
    new: dict[str, Any] = {"image": a_picture("new.png")}
    assert forms.replaced_files(shot, new) == [shot.picture]
    assert forms.replaced_files(None, new) == []
