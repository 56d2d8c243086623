"""A card's selects and buttons as Discord's components."""

from bot.cards.embeds import to_view
from bot.texts.card import Button, Card, Choice, Select

PINGS = Select("wanda:one", (Choice("In the channel", "channel", chosen=True), Choice("Never", "never")), "Pings")
CLOSE = Button("Close", "secondary", "wanda:two")


async def test_selects_stand_above_the_buttons() -> None:
    """Each select has a row of its own, with its choice filled in, and all buttons share the row below them."""
    view = to_view(Card(title="", description="", fields=(), colour=0, selects=(PINGS,), buttons=(CLOSE, CLOSE)))
    assert view is not None
    assert view.is_finished()
    first, second = view.to_components()
    (select,) = first["components"]
    assert [(one["label"], one["default"]) for one in select["options"]] == [("In the channel", True), ("Never", False)]
    assert (select["custom_id"], select["placeholder"]) == ("wanda:one", "Pings")
    assert [one["custom_id"] for one in second["components"]] == ["wanda:two", "wanda:two"]
