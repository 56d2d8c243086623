"""The private answers of `make look` to a member: /help, the price question, settings, quota, lists and data."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bot.catalogue.cheaper import offers
from bot.catalogue.fields import Attached
from bot.catalogue.picker import Picker
from bot.catalogue.registry import build
from bot.catalogue.stand_in import FileStandIn
from bot.jobs.member_export import JobCounts
from bot.jobs.preferences import Preferences
from bot.ledger.decision import decide
from bot.ledger.model import RuleQuery, Standing, View, Who
from bot.ledger.terms import terms
from bot.settings import DefaultSettings, MoneySettings
from bot.texts import help as help_words
from bot.texts.card import Card
from bot.texts.confirmation import price_confirmation
from bot.texts.own_settings import OwnSettings, own_settings_panel
from bot.texts.panel import Panel
from bot.texts.privacy import data_card, deletion_card
from bot.texts.quota import offers as quota_offers
from bot.texts.quota import quota_card
from sandbox.look_admin import CHANNEL, NOW, SHIPPED

PICKER = Picker.of(MoneySettings(), DefaultSettings())
HELP_PICTURES = Path(__file__).parents[1] / "cogs" / "help" / "pictures"
HELP_PAGES = (
    "wan27 image",
    "wan27 text",
    "wan27 reference",
    "wan27 edit",
    help_words.START,
    help_words.MONEY,
    help_words.AFTER,
    help_words.FILM,
)
KNOWN = JobCounts(jobs=12, servers=2, first_at=NOW - 40 * 86_400, with_files=5)
ORDER_ID = "0" * 32


def a_view() -> View:
    """Return what a member meets who spent $1.25 today under the shipped rules."""
    found = terms((), Who(guild_id=10, channel_id=CHANNEL, member_id=50), now=NOW, shipped=SHIPPED)
    return View(terms=found, standings=tuple(Standing(one, 0, 1_250_000) for one in found.limits))


def help_page(name: str) -> help_words.HelpPage:
    """Return a page of /help, with links as they stand once the commands are synced."""
    return help_words.help_page(name, help_words.Reader(PICKER, a_view(), lambda path: f"</{path}:1>"))


def question() -> Card:
    """Return the question before a video of $1.50."""
    options = {"prompt": "The sun sets behind the hills", "resolution": "1080p", "duration": 10}
    mode = build("wan27-image", options, {"image": Attached("lake.png", 1000)})
    quote, view = mode.quote({}, PICKER.prices), a_view()
    decision = decide(view, amount_microusd=quote.microusd, query=RuleQuery(mode=mode.id, resolution="1080p"))
    found = offers(mode, None, PICKER.prices, first=None)
    return price_confirmation(ORDER_ID, mode=mode, quote=quote, view=view, decision=decision, offers=found)


def question_of_clip() -> Card:
    """Return the question before a change of a clip of 8.4 s, which is kept whole."""
    options = {"prompt": "Make it night", "resolution": "1080p"}
    mode = build("wan27-edit", options, {"video": Attached("boat.mp4", 1000)})
    clip = {"video": FileStandIn(kind="video", format="mp4", size_bytes=1000, width=1280, height=720, seconds=8.4)}
    quote, view = mode.quote(clip, PICKER.prices), a_view()
    decision = decide(view, amount_microusd=quote.microusd, query=RuleQuery(mode=mode.id, resolution="1080p"))
    found = offers(mode, clip, PICKER.prices, first=None)
    return price_confirmation(ORDER_ID, mode=mode, quote=quote, view=view, decision=decision, offers=found)


def own_settings() -> Panel:
    """Return the panel of a member who chose direct messages and 720p."""
    chosen = Preferences(pings="direct", resolution="720p")
    modes = (("wan27-image", "Wan 2.7 image"), ("wan21-image", "Wan 2.1 image"))
    ask_above = a_view().terms.confirm_above_microusd
    return own_settings_panel(OwnSettings(chosen=chosen, pings_here="channel", ask_above=ask_above, modes=modes))


CARDS: Mapping[str, Callable[[], Card]] = {
    "question": question,
    "question-of-clip": question_of_clip,
    "quota": lambda: quota_card(a_view(), quota_offers(PICKER)),
    "privacy": lambda: data_card(KNOWN, 30),
    "privacy-delete": lambda: deletion_card(KNOWN),
}
