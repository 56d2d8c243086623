import re
from typing import Any

import pytest

from bot.ledger.model import Act, Entry
from bot.ledger.movements import Movement
from bot.texts.button_ids import HISTORY_PAGE_TEMPLATE
from bot.texts.history import HistoryPage, acts_card, money_card

ENTRY = Entry(
    id="e",
    guild_id=1,
    job_id="0123456789abcdef0123456789abcdef",
    scope="server:1",
    kind="settle",
    held_delta_microusd=-750_000,
    spent_delta_microusd=750_000,
    counted_at=100.0,
    at=160.0,
    actor="wanda",
    reason="=cmd|' /C calc'!A0",
)


def entry(**changes: Any) -> Entry:
    """The entry with some fields changed."""
    return Entry(**({name: getattr(ENTRY, name) for name in ENTRY.__slots__} | changes))


@pytest.mark.parametrize(
    ("moved", "says"),
    [
        (ENTRY, "**$0.75 spent** · <@2>"),
        (entry(kind="hold", held_delta_microusd=750_000, spent_delta_microusd=0), "**$0.75 set aside**"),
        (entry(spent_delta_microusd=500_000), "**$0.50 spent of $0.75 set aside**"),
        (entry(kind="release", spent_delta_microusd=0), "**$0.75 given back**"),
        (entry(kind="expose", held_delta_microusd=0, spent_delta_microusd=0), "kept aside"),
    ],
)
def test_an_admin_reads_how_the_money_moved(moved: Entry, says: str) -> None:
    """Each kind of entry has its words, with whose job it was."""
    assert says in money_card(HistoryPage(kind="money", cursor="", older=None), [Movement(moved, 2)]).description


def test_only_a_list_says_its_order() -> None:
    """A page without a line does not say that the newest is first."""
    page = HistoryPage(kind="money", cursor="", older=None)
    assert [money_card(page, moved).footer for moved in ([], [Movement(ENTRY, 2)])] == [None, "Newest first"]


def test_buttons_carry_their_page() -> None:
    """A single page has no buttons; else each carries its own cursor, within Discord's 100 characters."""
    assert money_card(HistoryPage(kind="money", cursor="", older=None), []).buttons == ()
    newest, older = money_card(HistoryPage(kind="money", cursor="", older="1795149313.123457/a/settle"), []).buttons
    assert newest.disabled
    assert older.custom_id == "wanda:page:money:1795149313.123457/a/settle"
    longest = Movement(entry(at=1795149313.123457, kind="release"), 2).cursor
    custom_id = f"wanda:page:history:{longest[0]!r}/{longest[1]}/{longest[2]}"
    assert len(custom_id) <= 100
    assert re.fullmatch(HISTORY_PAGE_TEMPLATE, custom_id)
    last = money_card(HistoryPage(kind="money", cursor="x", older=None), []).buttons
    assert [button.disabled for button in last] == [False, True]
    assert len({button.custom_id for button in last}) == 2


def test_a_page_of_the_longest_acts_fits() -> None:
    """Eight acts with the longest reasons that there can be are one message."""
    act = Act(
        id=1,
        guild_id=10**18,
        at=1e9,
        actor_id=10**18,
        act="set blocked",
        subject=f"member:{10**18}",
        before="*" * 500,
        after="#" * 500,
        reason="|" * 500,
    )
    card = acts_card(HistoryPage(kind="acts", cursor="", older="5"), [act] * 8)
    assert len(card.description) <= 4096
