"""Alarms in the database, on both engines."""

import random
from dataclasses import replace
from itertools import pairwise

from bot.jobs.alarms import Alarm, alarms_on, begin, end, note_told, to_tell
from bot.storage.transaction import Store

PRICE = Alarm(kind="price", mode="wan27-image", what="0.12", text="It moved.", closes=True, since=100.0)
ACCOUNT = Alarm(kind="account", what="locked", text="It is locked.", closes=True, since=101.0)


async def told(store: Store, *, ended_before: float = 1e9) -> list[tuple[str, bool]]:
    """Tell what is due, and return of each its kind and whether it is over."""
    due = await store.read(to_tell(ended_before=ended_before))
    await store.write(note_told(due))
    return [(one.kind, one.ended_at is not None) for one in due]


async def test_an_alarm_is_told_once_and_once_more_when_it_is_over(store: Store) -> None:
    """Noted again and again, by however many processes, an alarm is told once, and its end once."""
    assert await store.write(begin(PRICE))
    assert not await store.write(begin(replace(PRICE, since=150.0)))
    assert await store.read(alarms_on()) == (PRICE,)
    assert await told(store) == [("price", False)]
    assert await told(store) == []
    assert await store.write(end("price", "wan27-image", at=200.0))
    assert not await store.write(end("price", "wan27-image", at=201.0))
    assert await told(store, ended_before=199.0) == []
    assert await told(store) == [("price", True)]
    assert await told(store) == []
    assert await store.read(alarms_on()) == ()


async def test_one_that_comes_back_before_its_end_was_told(store: Store) -> None:
    """A trouble that comes and goes is told once; after its end was told it is a new one."""
    await store.write(begin(ACCOUNT))
    assert await told(store) == [("account", False)]
    await store.write(end("account", "", at=200.0))
    await store.write(begin(replace(ACCOUNT, since=210.0)))
    assert await told(store) == []
    assert (await store.read(alarms_on()))[0].since == 101.0
    await store.write(end("account", "", at=220.0))
    assert await told(store) == [("account", True)]
    await store.write(begin(replace(ACCOUNT, since=230.0)))
    assert (await store.read(alarms_on()))[0].since == 230.0
    assert await told(store) == [("account", False)]


async def test_what_changes_is_news(store: Store) -> None:
    """Another price is told again, since the same moment; what was over before it was told is left out."""
    await store.write(begin(PRICE))
    assert await told(store) == [("price", False)]
    await store.write(begin(replace(PRICE, what="0.13", text="It moved again.", since=130.0)))
    assert [(one.text, one.since) for one in await store.read(to_tell(ended_before=0))] == [("It moved again.", 100.0)]
    await store.write(begin(ACCOUNT))
    await store.write(end("account", "", at=150.0))
    assert await told(store) == [("price", False)]


async def test_one_that_ends_while_it_is_told(store: Store) -> None:
    """An alarm that is over before it was noted as told still has its end told; one that changed is told again."""
    await store.write(begin(PRICE))
    due = await store.read(to_tell(ended_before=0))
    await store.write(end("price", "wan27-image", at=200.0))
    await store.write(note_told(due))
    assert await told(store) == [("price", True)]
    await store.write(begin(PRICE))
    due = await store.read(to_tell(ended_before=0))
    await store.write(begin(replace(PRICE, what="0.13")))
    await store.write(note_told(due))
    assert await told(store) == [("price", False)]


async def test_any_history(store: Store) -> None:
    """However alarms come, change, go and are told: what stays the same is told and ended in turns."""
    dice = random.Random(15)  # noqa: S311 - a history, not a secret
    said: dict[str, list[tuple[str, bool]]] = {}
    for at in range(400):
        kind = dice.choice(("account", "balance"))
        what = dice.choice("ab") if kind == "balance" else "a"
        match dice.randrange(4):
            case 0:
                await store.write(begin(Alarm(kind=kind, what=what, text=what, closes=False, since=at)))
            case 1:
                await store.write(end(kind, "", at=at))
            case _:
                due = await store.read(to_tell(ended_before=at - 3))
                await store.write(note_told(due))
                for one in due:
                    said.setdefault(one.kind, []).append((one.what, one.ended_at is not None))
    for lines in said.values():
        assert len(lines) > 20
        assert not lines[0][1]
        assert not any(before[1] and after[1] for before, after in pairwise(lines))
    assert all(before != after for before, after in pairwise(said["account"]))
