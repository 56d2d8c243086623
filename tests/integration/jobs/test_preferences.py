"""Members' own settings: kept for a server, bounded, and gone with the member's or the server's data; both engines."""

import pytest

from bot.errors import OptionRefused
from bot.jobs import notices
from bot.jobs.erasure import forget_guild, forget_member
from bot.jobs.notices import Notice, NoticeBounds
from bot.jobs.preferences import (
    PreferenceBounds,
    Preferences,
    preferences_everywhere,
    preferences_of,
    set_preferences,
)
from bot.storage.transaction import One, Store, Transaction
from tests.support.job_samples import NOW

ROOMY = PreferenceBounds(kept_max=99, daily_max=99)
MINE = Preferences(pings="direct", mode="wan21-image", resolution="480p")


async def _set(store: Store, guild_id: int, member_id: int, chosen: Preferences, at: float = NOW) -> None:
    await store.write(set_preferences(guild_id, member_id, chosen, bounds=ROOMY, at=at))


async def test_they_are_kept_for_each_server_and_exported(store: Store) -> None:
    """What a member chose holds in that server alone; with nothing chosen any more, nothing is kept."""
    await _set(store, 1, 2, MINE)
    await _set(store, 3, 2, Preferences(pings="never"))
    assert await store.read(preferences_of(1, 2)) == MINE
    assert await store.read(preferences_of(3, 2)) == Preferences(pings="never")
    assert await store.read(preferences_of(1, 9)) == Preferences()
    await _set(store, 3, 2, Preferences())
    exported = await store.read(preferences_everywhere(2, limit=9))
    row = {"guild_id": 1, "pings": "direct", "mode": "wan21-image", "resolution": "480p", "at": NOW}
    assert exported == [row]


async def test_they_are_bounded(store: Store) -> None:
    """A server keeps settings of so many members, and changes of so many a day; whoever has some may change them."""
    await _set(store, 1, 2, MINE)
    for bounds in (PreferenceBounds(kept_max=1, daily_max=9), PreferenceBounds(kept_max=9, daily_max=1)):
        with pytest.raises(OptionRefused, match="stay as they were"):
            await store.write(set_preferences(1, 3, MINE, bounds=bounds, at=NOW))
        await store.write(set_preferences(1, 2, Preferences(pings="never"), bounds=bounds, at=NOW))


def _note(guild_id: int, member_id: int) -> Transaction[None]:
    kept = "INSERT INTO notices (job_id, kind, guild_id, member_id, at, is_announced, due_at) VALUES"
    yield One(f"{kept} ($1, 'ready', $2, $3, $4, 0, $4)", (f"{guild_id}-{member_id}", guild_id, member_id, NOW))


async def test_they_go_with_the_data(store: Store) -> None:
    """/privacy delete removes a member's settings and notices everywhere, and leaving a server all of that server."""
    for guild_id, member_id in ((1, 2), (3, 2), (3, 4), (5, 6)):
        await _set(store, guild_id, member_id, MINE)
        await store.write(_note(guild_id, member_id))
    await store.write(forget_member(2, at=NOW))
    await store.write(forget_guild(3, at=NOW))
    assert await store.read(preferences_everywhere(2, limit=9)) == []
    assert await store.read(preferences_everywhere(4, limit=9)) == []
    assert await store.read(preferences_of(5, 6)) == MINE
    assert [one.guild_id for one in await store.read(notices.due_notices(NOW, limit=9))] == [5]


async def test_a_notice_of_a_deleted_job_is_over(store: Store) -> None:
    """Nobody is told of a video that is not in the books any more, and the notice does not stay for ever."""
    await store.write(_note(1, 2))
    (notice,) = await store.read(notices.due_notices(NOW, limit=9))
    assert isinstance(notice, Notice)
    bounds = NoticeBounds(
        quick_s=0,
        of_member_hourly_max=9,
        approvals_hourly_max=9,
        approvals_of_member_hourly_max=9,
        tries_max=9,
        life_s=9999,
        wait_s=1,
    )
    assert await store.write(notices.begin(notice, bounds, now=NOW)) is None
    assert await store.read(notices.due_notices(NOW + 99, limit=9)) == ()
    await store.write(notices.forget_old(now=NOW + notices.COUNTED_S + 1))
    assert (await store.read(_count()))["n"] == 0


def _count() -> Transaction[dict[str, int]]:
    return (yield One("SELECT count(*) AS n FROM notices"))
