"""Deleting a member's or a server's data, on both engines: only amounts of money stay, under pseudonyms."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import Busy, FilesGone, FilesUnavailable, QuotaExceeded, StorageError
from bot.fal.wire.types import FalStatus
from bot.files.folder import FolderFiles
from bot.jobs import acceptance, erasure, events, leaving, queries, removals, transactions
from bot.jobs.model import Job
from bot.jobs.preferences import PreferenceBounds, Preferences, preferences_of, set_preferences
from bot.ledger import audit, holds
from bot.ledger.grants import add_grant
from bot.ledger.history import spent_page
from bot.ledger.model import Grant, Shipped, Who
from bot.ledger.pseudonyms import pseudonym
from bot.ledger.rules import set_rule
from bot.runner import retention
from bot.runner.retention import Retention
from bot.settings import StorageSettings
from bot.sharding import Shards
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.job_samples import HANDLE, NOW, PLACES, RESULT, a_job
from tests.support.kept_files import LostFiles, a_retention

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
ANNA, BEN, CARLA = 424242424242, 616161616161, 515151515151


def _all(sql: str, *args: Any) -> Transaction[list[dict[str, Any]]]:
    rows = yield Many(sql, args)
    return [dict(row) for row in rows]


def _run(sql: str, *args: Any) -> Transaction[None]:
    yield One(sql, args)


async def _made(store: Store, job: Job) -> Job:
    """Accept the job and advance it to done, with its video paid."""
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    done = job
    for event in (
        events.Uploaded(job.inputs),
        events.Submitted(HANDLE),
        FalStatus("completed"),
        events.Made(RESULT),
        events.VideoPosted(job.address),
    ):
        done = (await store.write(transactions.advance(job.id, event, now=job.created_at + 1))).job
    assert done.state == "done"
    return done


def _keeper(store: Store, settings: StorageSettings, *, at: float = NOW) -> Retention:
    return a_retention(store, FolderFiles(settings.data_dir), at=at)


def _rerun_of(job: Job, job_id: str, member_id: int) -> Job:
    """Return another member's rerun, with its own copies of the job's files."""
    inputs = tuple(replace(item, path=f"inputs/{job_id}/image.png", is_borrowed=True) for item in job.inputs)
    return a_job(id=job_id, member_id=member_id, parent_id=job.id, trigger="react:🔁", inputs=inputs)


def _picture(settings: StorageSettings, job: Job) -> Path:
    path = settings.data_dir / job.inputs[0].path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


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
    for table in ("jobs", "draws", "entries", "budgets", "acts", "grants", "warnings", "renaming", "borrowings"):
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
    assert await store.read(queries.get(other.id)) == other
    spent = await store.read(spent_page(1, limit=9))
    assert [one.member_id for one in spent if one.member_id > 0] == [BEN]


async def test_files_that_cannot_be_removed_now_are_removed_later(
    store: Store, store_settings: StorageSettings
) -> None:
    """While the files are away a member's rows are deleted all the same; a later round removes what they had."""
    job = await _made(store, a_job(member_id=ANNA))
    gone = _files(store_settings, job)
    files = LostFiles(store_settings.data_dir)
    files.away = {"remove"}
    assert await a_retention(store, files, at=NOW).forget_member(ANNA) == 1
    assert await _names(store, ANNA) == []
    assert all(path.exists() for path in gone)
    with pytest.raises(FilesUnavailable):
        await a_retention(store, files, at=NOW).round()
    files.away = set()
    for _ in range(2):
        await a_retention(store, files, at=NOW).round()
        assert not any(path.exists() for path in gone)
        assert await store.read(removals.noted_removals(limit=9)) == ()


async def test_one_file_that_is_still_to_be_removed(store: Store, store_settings: StorageSettings) -> None:
    """A deleted video that could not be removed goes with the next round, and the job's inputs stay."""
    job = await _made(store, a_job())
    picture, video = _files(store_settings, job)
    await store.write(removals.note_removal(f"results/{job.id}.mp4"), guild_id=None)
    await _keeper(store, store_settings).round()
    assert (picture.exists(), video.exists()) == (True, False)
    assert await store.read(removals.noted_removals(limit=9)) == ()


async def test_old_files_stay_noted_until_they_are_removed(store: Store, store_settings: StorageSettings) -> None:
    """What is kept long enough is noted as gone once it is removed, and not while the files are away."""
    job = await _made(store, a_job())
    gone = _files(store_settings, job)
    files = LostFiles(store_settings.data_dir)
    later = a_retention(store, files, at=NOW + 31 * 86400.0)
    files.away = {"remove"}
    with pytest.raises(FilesUnavailable):
        await later.round()
    kept = await store.read(queries.get(job.id))
    assert kept is not None
    assert kept.files_gone_at is None
    files.away = set()
    assert await later.round() == 1
    assert not any(path.exists() for path in gone)


@pytest.mark.parametrize("times", [1, 3])
async def test_the_allowance_does_not_renew_by_deleting_what_was_used(
    store: Store, store_settings: StorageSettings, times: int
) -> None:
    """A member who deletes their data, once or again and again, has left what they had left, and no more."""
    for number in range(times):
        await _made(store, a_job(id=f"{number:032x}", member_id=ANNA))
        await _keeper(store, store_settings).forget_member(ANNA)
    who = Who(guild_id=1, channel_id=10, member_id=ANNA)
    view = await store.read(holds.standing(who, at=NOW, shipped=SHIPPED))
    assert [one.spent_microusd for one in view.standings if one.limit.whose == "member"] == [times * 750_000]
    rest = SHIPPED.member_daily_microusd - times * 750_000
    more = a_job(id="c" * 32, member_id=ANNA, quote_microusd=rest + 1)
    with pytest.raises(QuotaExceeded):
        await store.write(acceptance.accept(more, SHIPPED, PLACES))
    await store.write(acceptance.accept(a_job(id="d" * 32, member_id=ANNA, quote_microusd=rest), SHIPPED, PLACES))
    tomorrow = a_job(id="e" * 32, member_id=ANNA, quote_microusd=SHIPPED.member_daily_microusd, created_at=NOW + 86_400)
    await store.write(acceptance.accept(tomorrow, SHIPPED, PLACES))
    assert await store.read(audit.verify()) == []


async def test_a_longer_window_that_is_set_later_finds_what_was_used(
    store: Store, store_settings: StorageSettings
) -> None:
    """What somebody spent before their deletion counts also for an allowance that an admin sets afterwards."""
    await _made(store, a_job(member_id=ANNA, created_at=NOW - 5 * 86_400))
    await _keeper(store, store_settings).forget_member(ANNA)
    await store.write(set_rule(1, "server", "allowance:ever", 1_000_000, actor_id=BEN, reason="", at=NOW))
    with pytest.raises(QuotaExceeded):
        await store.write(acceptance.accept(a_job(id="c" * 32, member_id=ANNA), SHIPPED, PLACES))


async def test_a_server_that_invites_wanda_again_finds_what_was_used(
    store: Store, store_settings: StorageSettings
) -> None:
    """Removing the bot and adding it again gives no member a fresh allowance, and no day that begins anew."""
    await store.write(set_rule(1, "server", "timezone", "Pacific/Kiritimati", actor_id=BEN, reason="", at=NOW))
    await _made(store, a_job(member_id=ANNA, quote_microusd=4_750_000))
    who = Who(guild_id=1, channel_id=10, member_id=ANNA)
    before = await store.read(holds.standing(who, at=NOW, shipped=SHIPPED))
    assert await _keeper(store, store_settings).forget_guild(1)
    assert await _names(store, ANNA) == []
    after = await store.read(holds.standing(who, at=NOW, shipped=SHIPPED))
    assert [(one.limit.scope, one.used_microusd) for one in after.standings] == [
        (one.limit.scope, one.used_microusd) for one in before.standings
    ]
    assert [one.limit.window.starts_at for one in after.standings] == [
        one.limit.window.starts_at for one in before.standings
    ]
    with pytest.raises(QuotaExceeded):
        await store.write(acceptance.accept(a_job(id="c" * 32, member_id=ANNA), SHIPPED, PLACES))
    await store.write(acceptance.accept(a_job(id="d" * 32, member_id=BEN), SHIPPED, PLACES))


async def test_a_pseudonym_is_another_one_in_each_server_and_database(
    store: Store, store_settings: StorageSettings
) -> None:
    """Whoever has the books of two servers does not see that the same member stands in both."""
    for guild_id, number in ((1, "a"), (9, "b")):
        await _made(store, a_job(id=number * 32, member_id=ANNA, guild_id=guild_id))
    await _keeper(store, store_settings).forget_member(ANNA)
    rows = await store.read(_all("SELECT DISTINCT guild_id, member_id FROM draws"))
    assert len({row["member_id"] for row in rows}) == 2
    assert all(row["member_id"] < 0 for row in rows)
    (key,) = await store.read(_all("SELECT value FROM pseudonym_key"))
    assert len(key["value"]) >= 64
    assert pseudonym(key["value"], 1, ANNA) != pseudonym("another", 1, ANNA)


async def test_whoever_used_nothing_may_go_on_at_once(store: Store, store_settings: StorageSettings) -> None:
    """A member whose jobs have used nothing of today's allowance may order again right after the deletion."""
    job = a_job(member_id=ANNA)
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    await store.write(transactions.advance(job.id, events.CancelAsked(), now=NOW))
    await store.write(transactions.advance(job.id, events.EndShown(), now=NOW))
    await _keeper(store, store_settings).forget_member(ANNA)
    again = a_job(id="c" * 32, member_id=ANNA)
    await store.write(acceptance.accept(again, SHIPPED, PLACES))
    kept = await store.read(queries.get(again.id))
    assert kept is not None
    assert (kept.member_id, kept.state) == (ANNA, "accepted")


async def test_copies_of_a_members_files_in_others_reruns_go_too(store: Store, store_settings: StorageSettings) -> None:
    """Ben's rerun of Anna's video, and Carla's of Ben's, lose the picture that Anna gave, and what it was called.

    Also when Ben's job was deleted before Anna's. Their videos stay, and so does what they gave themselves.
    """
    first = await _made(store, a_job(member_id=ANNA))
    second = await _made(store, _rerun_of(first, "b" * 32, BEN))
    third = await _made(store, _rerun_of(second, "c" * 32, CARLA))
    own = replace(first.inputs[0], path=f"inputs/{'d' * 32}/image.png")
    other = await _made(store, a_job(id="d" * 32, member_id=CARLA, inputs=(own,)))
    pictures = {job.id: _picture(store_settings, job) for job in (first, second, third, other)}
    await _keeper(store, store_settings).forget_member(BEN)
    assert not pictures[second.id].exists()
    assert not pictures[third.id].exists()  # what came through Ben's job cannot be told from what Ben gave
    assert pictures[first.id].exists()

    again = await _made(store, _rerun_of(first, "e" * 32, CARLA))
    copy = _picture(store_settings, again)
    await _keeper(store, store_settings).forget_member(ANNA)
    assert not copy.exists()
    assert pictures[other.id].exists()
    stored = await store.read(queries.get(again.id))
    assert stored is not None
    assert [item.file_name for item in stored.inputs] == ["a deleted file"]
    assert stored.result == again.result
    assert await store.read(queries.get(other.id)) == other
    assert await store.read(_all("SELECT * FROM borrowings")) == []


async def test_a_copy_among_many_reruns_is_found(
    store: Store, store_settings: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reruns are searched some at a time, however many a year has, and none of them is passed over."""
    monkeypatch.setattr(retention, "RERUNS_AT_ONCE", 2)
    gone = await _made(store, a_job(member_id=ANNA))
    stays = await _made(store, a_job(id="b" * 32, member_id=BEN))
    reruns = [
        await _made(store, _rerun_of(gone if number in {3, 5} else stays, f"{number:032x}", CARLA))
        for number in range(6)
    ]
    pictures = [_picture(store_settings, job) for job in reruns]
    await _keeper(store, store_settings).forget_member(ANNA)
    assert [path.exists() for path in pictures] == [True, True, True, False, True, False]


async def test_a_rerun_through_a_deleted_job_is_still_found(store: Store, store_settings: StorageSettings) -> None:
    """Copies are known by every video that they came through, so that a deleted one in between hides none."""
    first = await _made(store, a_job(member_id=ANNA))
    second = await _made(store, _rerun_of(first, "b" * 32, BEN))
    third = await _made(store, _rerun_of(second, "c" * 32, CARLA))
    assert await store.read(
        _all("SELECT source_id FROM borrowings WHERE job_id = $1 ORDER BY source_id", third.id)
    ) == [
        {"source_id": first.id},
        {"source_id": second.id},
    ]


async def test_an_unfinished_rerun_loses_its_copies_and_is_noted_when_it_has_ended(
    store: Store, store_settings: StorageSettings
) -> None:
    """The file goes at once; the row, which the job still writes itself, when the card shows the end."""
    first = await _made(store, a_job(member_id=ANNA))
    rerun = _rerun_of(first, "b" * 32, BEN)
    rerun = (await store.write(acceptance.accept(rerun, SHIPPED, PLACES))).job
    picture = _picture(store_settings, rerun)
    keeper = _keeper(store, store_settings)
    await keeper.forget_member(ANNA)
    assert not picture.exists()
    assert await store.read(queries.get(rerun.id)) == rerun
    await store.write(transactions.advance(rerun.id, events.CancelAsked(), now=NOW))
    await store.write(transactions.advance(rerun.id, events.EndShown(), now=NOW))
    await keeper.round()
    stored = await store.read(queries.get(rerun.id))
    assert stored is not None
    assert [item.file_name for item in stored.inputs] == ["a deleted file"]
    assert await store.read(_all("SELECT * FROM borrowings")) == []


async def test_no_rerun_begins_with_copies_of_a_deleted_video(store: Store, store_settings: StorageSettings) -> None:
    """A rerun that was asked for before the deletion and is accepted after it is refused, and holds nothing."""
    first = await _made(store, a_job(member_id=ANNA))
    await _keeper(store, store_settings).forget_member(ANNA)
    with pytest.raises(FilesGone, match="your own files"):
        await store.write(acceptance.accept(_rerun_of(first, "b" * 32, BEN), SHIPPED, PLACES))
    assert await store.read(_all("SELECT job_id FROM draws WHERE job_id = $1", "b" * 32)) == []


async def test_nothing_is_deleted_while_a_video_is_made(store: Store, store_settings: StorageSettings) -> None:
    """An unfinished job refuses the deletion with a sentence, and everything stays."""
    job = a_job(member_id=ANNA)
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    with pytest.raises(Busy, match="nothing was deleted"):
        await _keeper(store, store_settings).forget_member(ANNA)
    assert await store.read(queries.get(job.id)) is not None
    assert await _names(store, ANNA)


async def test_who_approved_others_videos_is_forgotten_too(store: Store, store_settings: StorageSettings) -> None:
    """The approver's id is removed from other members' jobs, which stay."""
    job = await _made(store, a_job(member_id=BEN, approved_by=ANNA))
    await _keeper(store, store_settings).forget_member(ANNA)
    assert await store.read(queries.get(job.id)) == replace(job, approved_by=None)


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
    assert await store.read(queries.get(job.id)) is None
    assert await store.read(queries.get(elsewhere.id)) == elsewhere
    assert not any(path.exists() for path in gone)
    assert await store.read(_all("SELECT * FROM draws WHERE guild_id = 1 AND member_id = $1", ANNA)) == []
    spent = await store.read(_all("SELECT spent_microusd FROM budgets WHERE scope = 'server:1'"))
    assert spent == [{"spent_microusd": 750_000}]
    assert await store.read(audit.verify()) == []
    assert await store.read(_all("SELECT * FROM leaving")) == []


async def test_a_left_servers_jobs_are_deleted_in_several_transactions(
    store: Store, store_settings: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy server's jobs are deleted some at a time, so that no transaction keeps the database from other servers."""
    monkeypatch.setattr(erasure, "JOBS_AT_ONCE", 2)
    jobs = [await _made(store, a_job(id=f"{number:032x}", member_id=ANNA)) for number in range(1, 6)]
    assert (await store.write(erasure.forget_guild(1, at=NOW))).goes_on
    assert len(await store.read(_all("SELECT id FROM jobs"))) == 3
    assert await _keeper(store, store_settings).forget_guild(1)
    assert [await store.read(queries.get(job.id)) for job in jobs] == [None] * 5
    assert await store.read(_all("SELECT * FROM removals")) == []
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
        await store.write(acceptance.accept(job, SHIPPED, PLACES))
        await store.write(holds.release(job.id, at=NOW, actor="wanda", reason="declined", declined_by=who))
    await _keeper(store, store_settings).forget_member(ANNA)
    assert await _names(store, ANNA) == []
    assert set(await store.read(erasure.names_in(1, limit=9))) == {BEN, CARLA}
    await _keeper(store, store_settings, at=NOW + 1).forget_guild(1)
    assert [row for row in await _names(store, CARLA) if "declined" in str(row)] == []


async def test_what_is_still_made_in_a_left_server_is_deleted_later(
    store: Store, store_settings: StorageSettings
) -> None:
    """An unfinished job stays until it has ended; the next round deletes it then."""
    job = a_job(member_id=ANNA)
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    keeper = _keeper(store, store_settings)
    assert not await keeper.forget_guild(1)
    await store.write(transactions.advance(job.id, events.CancelAsked(), now=NOW))
    await store.write(transactions.advance(job.id, events.EndShown(), now=NOW))
    await keeper.round()
    assert await store.read(queries.get(job.id)) is None
    assert await store.read(_all("SELECT * FROM leaving")) == []
    assert await store.read(audit.verify()) == []


async def test_a_server_left_unseen_has_a_week(store: Store, store_settings: StorageSettings) -> None:
    """A server that removed Wanda while she was offline loses its data a week later, unless it adds her again."""
    here = await _made(store, a_job())
    gone = await _made(store, a_job(id="b" * 32, guild_id=9))
    others = await _made(store, a_job(id="c" * 32, guild_id=10 + (1 << 22)))
    back = await _made(store, a_job(id="d" * 32, guild_id=11))
    later, mine = NOW + 7 * 86_400, Shards(2, frozenset({0}))
    await store.write(leaving.note_guilds({1}, mine, at=later))
    await store.write(leaving.note_guilds({1, 11}, mine, at=later + 9))
    await _keeper(store, store_settings, at=later - 1).round()
    assert await store.read(queries.get(gone.id)) == gone
    await _keeper(store, store_settings, at=later).round()
    assert await store.read(queries.get(gone.id)) is None
    for job in (here, others, back):
        assert await store.read(queries.get(job.id)) == job


async def test_servers_that_stay_cost_no_statement(store: Store) -> None:
    """A start with thousands of servers asks twice for each shard, and writes only what has changed."""
    for number in range(1, 30):
        await store.write(set_rule(number, "server", "at_once", 1, actor_id=BEN, reason="", at=NOW))
    await store.write(leaving.mark_guild_left(7, at=NOW))
    asked: list[str] = []

    def counted() -> Transaction[None]:
        noting = leaving.note_guilds(range(1, 30), at=NOW)
        with suppress(StopIteration):
            statement = next(noting)
            while True:
                asked.append(str(statement))
                statement = noting.send((yield statement))

    await store.write(counted())
    assert len(asked) == 3
    assert await store.read(_all("SELECT * FROM leaving")) == []


async def test_a_server_left_unseen_without_videos_loses_its_data_too(
    store: Store, store_settings: StorageSettings
) -> None:
    """A server that removed Wanda while she was offline loses rules and what members chose, also without a video."""
    bounds = PreferenceBounds(kept_max=9, daily_max=9)
    await store.write(set_rule(9, "server", "at_once", 1, actor_id=BEN, reason="", at=NOW))
    await store.write(set_preferences(10, BEN, Preferences(pings="never"), bounds=bounds, at=NOW))
    await store.write(leaving.note_guilds({1}, at=NOW))
    await _keeper(store, store_settings).round()
    assert await store.read(_all("SELECT * FROM rules")) == []
    assert await store.read(preferences_of(10, BEN)) == Preferences()
    assert await store.read(_all("SELECT * FROM leaving")) == []


async def test_files_go_after_their_time_and_the_recipe_stays(store: Store, store_settings: StorageSettings) -> None:
    """Files older than the kept time are deleted once and marked in the row; newer and unfinished jobs keep theirs."""
    old = await _made(store, a_job(created_at=NOW - 31 * 86_400))
    young = await _made(store, a_job(id="b" * 32, created_at=NOW - 29 * 86_400))
    unfinished = a_job(id="c" * 32, created_at=NOW - 40 * 86_400)
    await store.write(acceptance.accept(unfinished, SHIPPED, PLACES))
    gone = _files(store_settings, old)
    kept = _files(store_settings, young) + _files(store_settings, unfinished)
    keeper = _keeper(store, store_settings)
    assert await keeper.round() == 1
    assert await keeper.round() == 0
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    stored = await store.read(queries.get(old.id))
    assert stored == replace(old, files_gone_at=NOW)
    assert await store.read(queries.expired_job_ids(NOW, limit=9)) == (young.id,)


async def test_a_row_that_cannot_be_read_keeps_nothing_from_being_deleted(
    store: Store, store_settings: StorageSettings
) -> None:
    """Others' data goes all the same: names, files and lists do not stop at a row that another version wrote."""
    spoilt = await _made(store, a_job(member_id=BEN))
    other = await _made(store, a_job(id="b" * 32, member_id=BEN, created_at=NOW + 1))
    copied = _rerun_of(other, "d" * 32, BEN)
    await _made(store, copied)
    for job in (spoilt, copied):
        await store.write(_run("UPDATE jobs SET body = $2, approved_by = $3 WHERE id = $1", job.id, f"by {ANNA}", ANNA))
    assert [job.id for job in await store.read(queries.member_jobs(1, BEN, limit=9))] == [other.id]
    files = [_files(store_settings, job) for job in (spoilt, other)]

    keeper = _keeper(store, store_settings, at=NOW + 31 * 86400.0)
    await keeper.forget_member(ANNA)
    assert await _names(store, ANNA) == []
    assert await keeper.round() == 3
    assert not any(path.exists() for pair in files for path in pair)
    assert await keeper.round() == 0
    assert await keeper.forget_member(BEN) == 3
    assert await _names(store, BEN) == []
