"""What the operator reads of fal's troubles, and what a member reads instead of a video."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from bot.catalogue.list_price import ListPrice, Seen, judge
from bot.catalogue.registry import by_id, price_table
from bot.catalogue.schema import schema_sentence
from bot.errors import FalAccountError
from bot.jobs.alarms import Alarm, closed_sentence
from bot.runner.fal_account import no_access, said_of
from bot.texts.operator_news import news
from tests.unit.texts.scenes.scene import Scenes

MODE = by_id("wan27-image")
SEEN = Seen(ListPrice(Decimal("0.10"), "second"), 100_000)


def _price(amount: str, unit: str = "second", *, off: bool = True) -> Callable[[], str]:
    sentence = judge(MODE, ListPrice(Decimal(amount), unit), SEEN, price_table()).sentence
    return _news(Alarm(kind="price", mode=MODE.id, what="", text=sentence, closes=off, since=0.0))


def _schema(*faults: str) -> Callable[[], str]:
    sentence = schema_sentence(MODE, faults)
    return _news(Alarm(kind="schema", mode=MODE.id, what="", text=sentence, closes=True, since=0.0))


def _account(status: int, words: str) -> Callable[[], str]:
    _, sentence = said_of(FalAccountError(words, status=status))
    return _news(Alarm(kind="account", what="", text=sentence, closes=True, since=0.0))


def _news(*alarms: Alarm) -> Callable[[], str]:
    return lambda: news(alarms)


_OVER = Alarm(kind="account", what="", text="", closes=True, since=0.0, ended_at=750.0)
SCENES: Scenes = {
    "the price rose": _price("0.12"),
    "the price fell": _price("0.08", off=False),
    "the unit changed": _price("0.10", "video"),
    "the schema broke": _schema("`seed` is gone", '`resolution` no longer takes "1080p"'),
    "the account is locked": _account(403, "User is locked."),
    "the key is refused": _account(401, "No user found."),
    "the account is refused something": _account(403, "Forbidden."),
    "one mode is refused": _news(
        Alarm(kind="access", mode=MODE.id, what="", text=no_access(MODE.id), closes=False, since=0.0)
    ),
    "all is over": _news(
        _OVER,
        replace(_OVER, kind="access", mode=MODE.id),
        replace(_OVER, kind="balance"),
        replace(_OVER, kind="price", mode=MODE.id),
        replace(_OVER, kind="schema", mode=MODE.id),
    ),
    "a member's order while the account is locked": lambda: closed_sentence(MODE.title, "account"),
    "a member's order while the price is wrong": lambda: closed_sentence(MODE.title, "price"),
    "a member's order while the schema is broken": lambda: closed_sentence(MODE.title, "schema"),
}
