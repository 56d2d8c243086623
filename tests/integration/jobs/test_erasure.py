"""Deleting a member's or a server's data, on both engines: only amounts of money stay, under pseudonyms."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.errors import Busy, NotAllowed, StorageError
from bot.fal.wire.types import FalStatus
from bot.jobs import erasure, machine, queries, transactions
from bot.jobs.model import Job
from bot.ledger import audit, holds
from bot.ledger.grants import add_grant
from bot.ledger.history import member_history
from bot.ledger.model import Grant, Shipped
from bot.ledger.rules import set_rule
from bot.runner.retention import Retention
from bot.settings import StorageSettings
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.job_samples import HANDLE, NOW, RESULT, a_job

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
ANNA, BEN, CARLA = 424242424242, 777, 515151515151


def _all(sql: str, *args: Any) -> Transaction[list[dict[str, Any]]]:
    rows = yield Many(sql, args)
    return [dict(row) for row in rows]


def _run(sql: str, *args: Any) -> Transaction[None]:
    yield One(sql, args)


async def _made(store: Store, job: Job) -> Job:
    """Accept the job and advance it to done, with its video paid."""
    await store.write(transactions.accept(job, SHIPPED, in_flight_max=10))
    done = job
    for event in (
        machine.Uploaded(job.inputs),
        machine.Submitted(HANDLE),
        FalStatus("completed"),
        machine.Made(RESULT),
        machine.VideoPosted(job.address),
    ):
        done = (await store.write(transactions.advance(job.id, event, now=job.created_at + 1))).job
    assert done.state == "done"
    return done


def _keeper(store: Store, settings: StorageSettings, *, at: float = NOW, first: int = 1) -> Retention:
    numbers: Iterator[int] = (-n for n in count(first))
    return Retention(
        store=store,
        data_dir=settings.data_dir,
        keep_s=30 * 86400.0,
        clock=lambda: at,
        pseudonym=lambda: next(numbers),
    )


def _files(settings: StorageSettings, job: Job) -> tuple[Path, Path]:
    picture = settings.data_dir / "inputs" / job.id / "image.png"
    video = settings.data_dir / "results" / f"{job.id}.mp4"
    for path in (picture, video):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return picture, video


async def _names(store: Store, member_id: int) -> list[dict[str, Any]]:
    """Return every row of every table that contains the member's id."""
    found: list[dict[str, Any]] = []
    for table in ("jobs", "draws", "entries", "budgets", "acts", "grants", "warnings", "away", "renaming"):
        rows = await store.read(_all(f"SELECT * FROM {table}"))  # noqa: S608 - the names stand above
        found += [row for row in rows if str(member_id) in str(row)]
    return found


async def test_a_member_who_deletes_their_data_is_named_nowhere(store: Store, store_settings: StorageSettings) -> None:
    """Jobs, files and the id in every table are deleted; every amount stays, and the books are right."""
    job = await _made(store, a_job(member_id=ANNA))
    other = await _made(store, a_job(id="b" * 32, member_id=BEN))
    gone = _files(store_settings, job)
    kept = _files(store_settings, other)
    grant = Grant(
        id="g", guild_id=1, member_id=ANNA, amount_microusd=9, expires_at=None, reason="Anna", actor_id=BEN, at=NOW
    )
    await store.write(add_grant(grant))
    sums = "SELECT CAST(SUM(spent_delta_microusd) AS BIGINT) AS spent, COUNT(*) AS n FROM entries"
    before = await store.read(_all(sums))
    assert await _names(store, ANNA)

    assert await _keeper(store, store_settings).forget_member(ANNA) == 1

    assert await _names(store, ANNA) == []
    assert await store.read(_all(sums)) == before
    assert await store.read(audit.verify()) == []
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    assert await store.read(transactions.get(other.id)) == other
    assert len(await store.read(member_history(1, BEN, limit=9))) == 1


async def test_the_allowance_does_not_renew_by_deleting_what_was_used(
    store: Store, store_settings: StorageSettings
) -> None:
    """A member who deleted their data can order in this server again once the allowance that they had used renews."""
    await _made(store, a_job(member_id=ANNA))
    await _keeper(store, store_settings).forget_member(ANNA)
    again = a_job(id="c" * 32, member_id=ANNA)
    with pytest.raises(NotAllowed, match="delete your data"):
        await store.write(transactions.accept(again, SHIPPED, in_flight_max=10))
    tomorrow = replace(again, created_at=NOW + 86_400)
    await store.write(transactions.accept(tomorrow, SHIPPED, in_flight_max=10))
    assert await store.read(audit.verify()) == []
    await _keeper(store, store_settings, at=NOW + 86_400).round()
    assert await store.read(_all("SELECT * FROM away")) == []


async def test_whoever_used_nothing_may_go_on_at_once(store: Store, store_settings: StorageSettings) -> None:
    """A member whose jobs have used nothing of today's allowance may order again right after the deletion."""
    job = a_job(member_id=ANNA)
    await store.write(transactions.accept(job, SHIPPED, in_flight_max=10))
    await store.write(transactions.advance(job.id, machine.CancelAsked(), now=NOW))
    await store.write(transactions.advance(job.id, machine.EndShown(), now=NOW))
    await _keeper(store, store_settings).forget_member(ANNA)
    again = a_job(id="c" * 32, member_id=ANNA)
    await store.write(transactions.accept(again, SHIPPED, in_flight_max=10))
    assert await store.read(transactions.get(again.id)) == again


async def test_nothing_is_deleted_while_a_video_is_made(store: Store, store_settings: StorageSettings) -> None:
    """An unfinished job refuses the deletion with a sentence, and everything stays."""
    job = a_job(member_id=ANNA)
    await store.write(transactions.accept(job, SHIPPED, in_flight_max=10))
    with pytest.raises(Busy, match="nothing was deleted"):
        await _keeper(store, store_settings).forget_member(ANNA)
    assert await store.read(transactions.get(job.id)) is not None
    assert await _names(store, ANNA)


async def test_who_approved_others_videos_is_forgotten_too(store: Store, store_settings: StorageSettings) -> None:
    """The approver's id is removed from other members' jobs, which stay."""
    job = await _made(store, a_job(member_id=BEN, approved_by=ANNA))
    await _keeper(store, store_settings).forget_member(ANNA)
    assert await store.read(transactions.get(job.id)) == replace(job, approved_by=None)


@pytest.mark.parametrize(
    "change",
    [
        "spent_delta_microusd = 0",
        "held_delta_microusd = 1",
        "at = 1",
        "counted_at = 1",
        "guild_id = 2",
        "kind = 'hold'",
        "reason = 'another'",
        "actor = 'member:9'",
        "scope = 'member:1:9'",
        "id = 'x'",
        "job_id = 'x'",
    ],
)
async def test_only_a_name_is_ever_changed_in_an_entry(store: Store, change: str) -> None:
    """Even while an id is replaced, no amount, time, reason or other id of an entry can be changed."""
    await _made(store, a_job(member_id=ANNA))
    await store.write(_run("INSERT INTO renaming (name, pseudonym) VALUES ($1, '-1')", str(ANNA)))
    with pytest.raises(StorageError, match="append-only"):
        await store.write(_run(f"UPDATE entries SET {change} WHERE kind = 'settle'"))  # noqa: S608 - stands above
    with pytest.raises(StorageError, match="append-only"):
        await store.write(_run("DELETE FROM entries"))


@pytest.mark.parametrize(
    "change", ["at = 1", "guild_id = 2", "act = 'x'", "before = 'x'", "after = 'x'", "actor_id = 5", "subject = 'x'"]
)
async def test_only_a_name_is_ever_changed_in_an_act(store: Store, change: str) -> None:
    """Even while an id is replaced, an act's kind, time and other ids cannot be changed."""
    grant = Grant(
        id="g", guild_id=1, member_id=ANNA, amount_microusd=9, expires_at=None, reason="", actor_id=BEN, at=NOW
    )
    await store.write(add_grant(grant))
    await store.write(_run("INSERT INTO renaming (name, pseudonym) VALUES ($1, '-1')", str(ANNA)))
    with pytest.raises(StorageError, match="append-only"):
        await store.write(_run(f"UPDATE acts SET {change}"))  # noqa: S608 - stands above


async def test_outside_of_a_deletion_an_entry_keeps_its_name(store: Store) -> None:
    """Outside a deletion no id in the books can be changed."""
    await _made(store, a_job(member_id=ANNA))
    with pytest.raises(StorageError, match="append-only"):
        await store.write(_run("UPDATE entries SET actor = 'member:-1'"))


async def test_a_left_servers_data_is_deleted_and_its_money_stays(
    store: Store, store_settings: StorageSettings
) -> None:
    """That server's jobs, files and ids are deleted, other servers' stay, and the pool's spending still counts."""
    job = await _made(store, a_job(member_id=ANNA))
    elsewhere = await _made(store, a_job(id="b" * 32, member_id=ANNA, guild_id=9))
    gone = _files(store_settings, job)
    assert await _keeper(store, store_settings).forget_guild(1)
    assert await store.read(transactions.get(job.id)) is None
    assert await store.read(transactions.get(elsewhere.id)) == elsewhere
    assert not any(path.exists() for path in gone)
    assert await store.read(_all("SELECT * FROM draws WHERE guild_id = 1 AND member_id = $1", ANNA)) == []
    spent = await store.read(_all("SELECT spent_microusd FROM budgets WHERE scope = 'server:1'"))
    assert spent == [{"spent_microusd": 750_000}]
    assert await store.read(audit.verify()) == []
    assert await store.read(_all("SELECT * FROM leaving")) == []


async def test_a_left_server_names_nobody_who_was_only_ruled_about(
    store: Store, store_settings: StorageSettings
) -> None:
    """The id of a member who was blocked but never made a video is also removed from a left server's acts."""
    await store.write(set_rule(1, f"member:{ANNA}", "blocked", "spam", actor_id=BEN, reason="Anna", at=NOW))
    assert await _keeper(store, store_settings).forget_guild(1)
    assert await _names(store, ANNA) == []
    assert await _names(store, BEN) == []


async def test_who_only_declined_is_forgotten_too(store: Store, store_settings: StorageSettings) -> None:
    """The id of a member who only declined a video is removed, with their data or with the server's."""
    for number, who in ((1, ANNA), (2, CARLA)):
        job = a_job(id=f"{number:032x}", member_id=BEN)
        await store.write(transactions.accept(job, SHIPPED, in_flight_max=10))
        await store.write(holds.release(job.id, at=NOW, actor="wanda", reason="declined", declined_by=who))
    await _keeper(store, store_settings).forget_member(ANNA)
    assert await _names(store, ANNA) == []
    assert set(await store.read(erasure.names_in(1, limit=9))) == {BEN, CARLA}
    await _keeper(store, store_settings, at=NOW + 1, first=100).forget_guild(1)
    assert [row for row in await _names(store, CARLA) if "declined" in str(row)] == []


async def test_what_is_still_made_in_a_left_server_is_deleted_later(
    store: Store, store_settings: StorageSettings
) -> None:
    """An unfinished job stays until it has ended; the next round deletes it then."""
    job = a_job(member_id=ANNA)
    await store.write(transactions.accept(job, SHIPPED, in_flight_max=10))
    keeper = _keeper(store, store_settings)
    assert not await keeper.forget_guild(1)
    await store.write(transactions.advance(job.id, machine.CancelAsked(), now=NOW))
    await store.write(transactions.advance(job.id, machine.EndShown(), now=NOW))
    await keeper.round()
    assert await store.read(transactions.get(job.id)) is None
    assert await store.read(_all("SELECT * FROM leaving")) == []
    assert await store.read(audit.verify()) == []


async def test_a_server_left_unseen_has_a_week(store: Store, store_settings: StorageSettings) -> None:
    """A server that removed Wanda while she was offline loses its data a week later, unless it adds her again."""
    here = await _made(store, a_job())
    gone = await _made(store, a_job(id="b" * 32, guild_id=9))
    others = await _made(store, a_job(id="c" * 32, guild_id=10))
    back = await _made(store, a_job(id="d" * 32, guild_id=11))
    later = NOW + 7 * 86_400
    await store.write(erasure.note_guilds({1}, lambda guild_id: guild_id != 10, at=later))
    await store.write(erasure.note_guilds({1, 11}, lambda guild_id: guild_id != 10, at=later + 9))
    await _keeper(store, store_settings, at=later - 1).round()
    assert await store.read(transactions.get(gone.id)) == gone
    await _keeper(store, store_settings, at=later).round()
    assert await store.read(transactions.get(gone.id)) is None
    for job in (here, others, back):
        assert await store.read(transactions.get(job.id)) == job


async def test_files_go_after_their_time_and_the_recipe_stays(store: Store, store_settings: StorageSettings) -> None:
    """Files older than the kept time are deleted once and marked in the row; newer and unfinished jobs keep theirs."""
    old = await _made(store, a_job(created_at=NOW - 31 * 86_400))
    young = await _made(store, a_job(id="b" * 32, created_at=NOW - 29 * 86_400))
    unfinished = a_job(id="c" * 32, created_at=NOW - 40 * 86_400)
    await store.write(transactions.accept(unfinished, SHIPPED, in_flight_max=10))
    gone = _files(store_settings, old)
    kept = _files(store_settings, young) + _files(store_settings, unfinished)
    keeper = _keeper(store, store_settings)
    assert await keeper.round() == 1
    assert await keeper.round() == 0
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    stored = await store.read(transactions.get(old.id))
    assert stored == replace(old, files_gone_at=NOW)
    assert await store.read(queries.expired_job_ids(NOW, limit=9)) == (young.id,)
