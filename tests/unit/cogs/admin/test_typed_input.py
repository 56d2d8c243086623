import pytest

from bot.errors import OptionRefused
from cogs.admin import typed_input


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("90m", 5400), ("12h", 43_200), (" 3 Days ", 259_200), ("2w", 1_209_600), ("1hour", 3600), ("366d", 31_622_400)],
)
def test_spans(text: str, wanted: int) -> None:
    """A span is a number with a unit."""
    assert typed_input.seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "-3d", "3", "0d", "367d", "1.5d", "99999999d", "3 months", "<@1>"])
def test_other_spans_are_refused(text: str) -> None:
    """Anything else is refused with a sentence that says how to write it or which spans there are."""
    with pytest.raises(OptionRefused, match=r"nothing was changed\.$") as refused:
        typed_input.seconds(text)
    assert "<@" not in str(refused.value)


def test_lists() -> None:
    """A list keeps the catalogue's order, each item once; "all" is no rule."""
    known = typed_input.mode_ids()
    assert typed_input.chosen("wan21-image, wan27-image wan21-image", known, what="mode") == (
        "wan27-image",
        "wan21-image",
    )
    assert typed_input.chosen("ALL", known, what="mode") is None
    for text in ("wan28", "", "wan27-image, all", "wan27-image; x"):
        with pytest.raises(OptionRefused, match="wan22-video"):
            typed_input.chosen(text, known, what="mode")


def test_resolutions_are_the_catalogues() -> None:
    """Every resolution that a mode has a price for can be named, smallest first."""
    assert typed_input.typed_resolutions() == ("480p", "580p", "720p", "1080p")


def test_completions_grow_the_list() -> None:
    """Each completion is the list with one more item, so that a list can be built by choosing."""
    known = ("480p", "580p", "720p", "1080p")
    assert typed_input.completions("", known) == [*known, "all"]
    assert typed_input.completions("480p, 7", known) == ["480p, 720p"]
    assert typed_input.completions("480p, 720p", known) == ["480p, 720p", "480p, 720p, 580p", "480p, 720p, 1080p"]
    assert typed_input.completions("x" * 3000, known) == []
    assert len(typed_input.completions("", [f"m{n}" for n in range(90)])) == 25


def test_names_are_found_by_any_part() -> None:
    """A city is found without its continent; names that start with the text come first."""
    names = ["America/New_York", "Europe/Berlin", "Etc/GMT", "America/York", "Europe/Busingen"]
    assert typed_input.matching("new y", names) == ["America/New_York"]
    assert typed_input.matching("york", names)[0] == "America/York"
    assert typed_input.matching("eur", names) == ["Europe/Berlin", "Europe/Busingen"]
