"""What /help says, and that it says nothing that prices and rules do not."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.catalogue.picker import Picker
from bot.catalogue.registry import MODES
from bot.ledger.model import Rule
from bot.settings import DefaultSettings, MoneySettings
from bot.texts.card import Card
from bot.texts.help import AFTER, FILM, MONEY, START, Reader, help_page, path_of, picture_of
from tests.support.catalogue_samples import PICKER
from tests.unit.texts.test_quota import USD, view, within_limits

PICTURES = Path(__file__).resolve().parents[3] / "cogs" / "help" / "pictures"
COMMANDS = [path_of(mode, command) for mode in MODES for command in mode.slash_commands()]
LISTED = [*COMMANDS, FILM]
PAGES = [START, AFTER, MONEY, *LISTED]


def mention(path: str) -> str:
    """A link to a command."""
    return f"</{path}:1234567890123456789>"


def text(page: str, reader: Reader) -> str:
    """All words of a page."""
    card = help_page(page, reader).card
    return "\n".join([card.title, card.description, *(f"{field.name}\n{field.value}" for field in card.fields)])


def reader(picker: Picker = PICKER, **spent: int) -> Reader:
    """A member with the shipped limits."""
    return Reader(picker, view(spent=spent), mention)


@pytest.mark.parametrize("page", [*PAGES, "gone", ""])
def test_a_page_within_discords_limits(page: str) -> None:
    """Every page fits, lists every command, and has its three buttons, of which its own is disabled."""
    card = help_page(page, reader()).card
    within_limits(card)
    (select,) = card.selects
    assert [choice.value for choice in select.choices] == LISTED
    assert all(len(choice.label) <= 100 and len(choice.description) <= 100 for choice in select.choices)
    assert [choice.value for choice in select.choices if choice.chosen] == [one for one in LISTED if one == page]
    assert [button.disabled for button in card.buttons] == [page in {START, "gone", ""}, page == MONEY, page == AFTER]


def test_an_unknown_page_is_the_start() -> None:
    """A page that a later version no longer has opens the start."""
    assert help_page("wan99 image", reader()) == help_page(START, reader())


def test_a_command_has_its_picture() -> None:
    """Each command has a picture with alternative text; all of them are at most 300 KB."""
    pages = [help_page(page, reader()) for page in COMMANDS]
    assert [page.picture for page in pages] == [picture_of(page) for page in COMMANDS]
    assert all(page.alt for page in pages)
    files = [PICTURES / picture_of(page) for page in COMMANDS]
    assert sorted(files) == sorted(PICTURES.iterdir())
    assert sum(file.stat().st_size for file in files) <= 300_000


def test_how_to_order_and_what_it_costs() -> None:
    """A command's page links the command, names what it needs, and has the prices of the table."""
    said = text("wan27 image", reader())
    assert f"{mention('wan27 image')} with `prompt` and `image`." in said
    assert "5 s at 720p: **$0.50**, the default" in said
    assert "5 s at 1080p: **$0.75**" in said
    assert "15 s at 1080p: **$2.25**" in said
    assert "About 5 s at 720p: **$0.41**" in text("wan22 video", reader())
    assert "About 10 s at 720p: **$0.81**" in text("wan22 video", reader())
    assert "with `prompt` and a file such as `image1`." in text("wan27 reference", reader())
    assert f"{mention('wan27 text')} with `prompt`." in text("wan27 text", reader())
    edit = text("wan27 edit", reader())
    assert f"{mention('wan27 edit')} with `prompt` and `video`." in edit
    assert "A 5 s clip at 720p: **$0.50**, the default" in edit
    assert "About 6 s at 720p: **$0.50**" in text("wan21 image", reader())


def test_what_a_film_costs() -> None:
    """The page of films has the price of three usual shots; where no shot can be made, it says that."""
    said = text(FILM, reader())
    assert f"{mention('film')}, add your shots" in said
    assert "3 shots of 5 s at 720p: **$1.50**" in said
    none = Reader(PICKER, view(Rule("server", "modes", ["wan21-image"])), mention)
    assert "No shots can be made here now." in text(FILM, none)
    assert "/film" not in text(START, none)


def test_what_the_members_money_buys() -> None:
    """The number of videos is what is left over the price; it follows the budgets."""
    assert "**$5.00** is left of your allowance today. That buys **10 videos** of 5 s at 720p." in text(
        "wan27 image", reader()
    )
    spent = reader(member=4_400_000)
    assert "**$0.60** is left of your allowance today. That buys **1 video** of 5 s at 720p." in text(
        "wan27 image", spent
    )
    assert "**0 videos** of 5 s" in text("wan27 image", reader(member=5 * USD))
    assert "Wan 2.7 image: **10 videos** of 5 s at 720p" in text(MONEY, reader())


def test_prices_are_the_operators() -> None:
    """Nothing is written down: another price table gives other numbers, and what has no price is said to be off."""
    dear = Picker.of(MoneySettings(wan25_720p_usd=Decimal("0.20"), wan25_1080p_usd=Decimal(0)), DefaultSettings())
    said = text("wan25 image", reader(dear))
    assert "5 s at 720p: **$1.00**, the default" in said
    assert "1080p" not in said
    off = {f"wan25_{one}_usd": Decimal(0) for one in ("480p", "720p", "1080p")}
    none = Picker.of(MoneySettings.model_validate(off), DefaultSettings())
    assert "It's off" in text("wan25 image", reader(none))
    assert "wan25" not in text(START, reader(none))


def restricted() -> Iterator[tuple[Reader, str, str]]:
    """Readers who may not do all, the page that they open, and what it says."""
    modes = Rule("server", "modes", ["wan27-image"])
    yield Reader(PICKER, view(modes), mention), "wan21 image", "It's off in this server."
    large = Rule("server", "resolutions", ["1080p"])
    yield Reader(PICKER, view(large), mention), "wan27 image", "5 s at 1080p: **$0.75**, the default"
    yield Reader(PICKER, view(large), mention), "wan21 image", "Its resolutions are off in this server."
    ceiling = Rule("server", "ceiling", 300_000)
    yield Reader(PICKER, view(ceiling), mention), "wan27 image", "a video may cost up to $0.30 here"
    paused = Rule("server", "paused", "until Monday")
    yield Reader(PICKER, view(paused), mention), "wan27 image", "until Monday"


@pytest.mark.parametrize(("who", "page", "words"), list(restricted()))
def test_what_is_off_here_is_said(who: Reader, page: str, words: str) -> None:
    """A page says what this member may not do here, and offers only what they may."""
    assert words in text(page, who)


def test_the_start_offers_what_is_open() -> None:
    """A mode that is off here is not among the start's commands, and is marked in the list."""
    who = Reader(PICKER, view(Rule("server", "modes", ["wan27-image"])), mention)
    said = text(START, who)
    assert f"{mention('wan27 continue')}: Continue a clip with Wan 2.7 · from **$0.50**" in said
    assert "wan21" not in said
    card: Card = help_page(START, who).card
    assert {choice.description for choice in card.selects[0].choices} == {
        *("/wan27 image", "/wan27 continue", "/film", "Off here")
    }
