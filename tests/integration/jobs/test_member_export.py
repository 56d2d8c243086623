"""Queries of one member's data in all servers, on both engines."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from bot.exports.member import pack
from bot.files.folder import FolderFiles
from bot.jobs import acceptance, queries
from bot.jobs.member_export import JobCounts, job_counts
from bot.jobs.model import Job
from bot.jobs.short_id import short_id
from bot.ledger.asks import AskBounds, set_ask
from bot.ledger.grants import add_grant
from bot.ledger.member_records import entries_of_member, grants_and_rules_of
from bot.ledger.model import Grant, Shipped
from bot.ledger.rules import set_rule
from bot.settings import StorageSettings
from bot.storage.transaction import One, Store, Transaction
from bot.units import MIB
from tests.support.job_samples import NOW, PLACES, a_job

SHIPPED = Shipped(member_daily_microusd=50_000_000, server_monthly_microusd=500_000_000)
ANNA, BEN = 424242424242, 616161616161


async def accepted(store: Store, number: int, **changes: Any) -> Job:
    """Accept a job with an id made of this number, a second later than the one before."""
    job = a_job(id=f"{number:032x}", created_at=NOW + number, **changes)
    return (await store.write(acceptance.accept(job, SHIPPED, PLACES))).job


async def test_counted_in_all_servers(store: Store) -> None:
    """A member's videos are counted over all servers; somebody without any has none."""
    await accepted(store, 1, member_id=ANNA, guild_id=1)
    await accepted(store, 2, member_id=ANNA, guild_id=2)
    await accepted(store, 3, member_id=BEN, guild_id=2)
    assert await store.read(job_counts(ANNA)) == JobCounts(jobs=2, servers=2, with_files=2, first_at=NOW + 1)
    assert await store.read(job_counts(5)) == JobCounts(jobs=0, servers=0, with_files=0, first_at=None)


async def test_entries_by_pages(store: Store) -> None:
    """The pages contain each of the member's entries once, oldest first, and nobody else's."""
    for number in range(5):
        await accepted(store, number, member_id=ANNA, guild_id=1 + number % 2)
    await accepted(store, 9, member_id=BEN, guild_id=1)
    first = await store.read(entries_of_member(ANNA, limit=3))
    rest = await store.read(entries_of_member(ANNA, after=(first[-1].at, first[-1].id), limit=99))
    assert [int(entry.job_id, 16) for entry in (*first, *rest)] == [0, 1, 2, 3, 4]


async def test_what_was_said_of_a_member(store: Store) -> None:
    """A member's data includes grants to them and rules about them, without the ids of the admins who made them."""
    grant = Grant(
        id="g", guild_id=1, member_id=ANNA, amount_microusd=5, expires_at=None, reason="thanks", actor_id=BEN, at=NOW
    )
    await store.write(add_grant(grant))
    await store.write(set_rule(1, f"member:{ANNA}", "blocked", "spam", actor_id=BEN, reason="", at=NOW))
    for member_id in (ANNA, BEN):
        await store.write(set_ask(1, member_id, 100, bounds=AskBounds(kept_max=9, daily_max=9), at=NOW))
    said = await store.read(grants_and_rules_of(ANNA, limit=10))
    assert [row["reason"] for row in said["grants"]] == ["thanks"]
    assert [row["name"] for row in said["rules"]] == ["ask_above", "blocked"]
    assert str(BEN) not in str(said)


async def test_jobs_by_states_and_by_short_id(store: Store) -> None:
    """A filter can have several states; a short id finds the member's own job only, and an ambiguous one is refused."""
    mine = await accepted(store, 0xABCDEF, member_id=ANNA, guild_id=1)
    await accepted(store, 0xABCDE0, member_id=BEN, guild_id=1)
    assert await store.read(queries.member_jobs(1, ANNA, states=("done", "accepted"), limit=9)) == (mine,)
    assert await store.read(queries.member_jobs(1, ANNA, states=("done", "failed"), limit=9)) == ()
    assert await store.read(queries.member_jobs(1, ANNA, mode="wan22-video", states=("accepted",), limit=9)) == ()
    for typed in (mine.id, mine.id[:31], f"job {short_id(mine.id)}"):
        assert await store.read(queries.jobs_named(1, ANNA, typed, limit=9)) == (mine,)
    await accepted(store, 0xABCDE1, member_id=ANNA, guild_id=1)
    assert len(await store.read(queries.jobs_named(1, ANNA, "0" * 20, limit=9))) == 2
    assert await store.read(queries.jobs_named(1, ANNA, "%", limit=9)) == ()


async def test_all_that_is_kept_of_a_member_is_in_the_export(
    store: Store, store_settings: StorageSettings, tmp_path: Path
) -> None:
    """Every list that README.txt names is in rules.json, a vote that is not counted yet among them."""
    await store.write(_voted(ANNA, 2))
    files = FolderFiles(store_settings.data_dir)
    path, _ = await pack(store, files, ANNA, tmp_path, part=1, limit_bytes=8 * MIB, rows_max=100)
    with ZipFile(path) as packed:
        said = json.loads(packed.read("rules.json"))
    assert set(said) == {"grants", "rules", "settings", "presets", "chip_ins", "films", "votes"}
    assert [one["number"] for one in said["votes"]] == [2]


def _voted(member_id: int, number: int) -> Transaction[None]:
    row = ("d" * 32, member_id, 1, number, NOW)
    yield One("INSERT INTO votes (set_id, member_id, guild_id, number, at) VALUES ($1, $2, $3, $4, $5)", row)


async def test_files_of_jobs_of_one_moment_are_all_unpacked(
    store: Store, store_settings: StorageSettings, tmp_path: Path
) -> None:
    """Eight jobs whose ids begin alike, two of which also end alike, have a folder each in the export."""
    tails = [*range(1, 8), 7 + 16**12]
    jobs = [a_job(id=f"{0xABCDEF << 104 | tail:032x}", member_id=ANNA) for tail in tails]
    for job in jobs:
        one = replace(job.inputs[0], path=f"inputs/{job.id}/image.png")
        await store.write(acceptance.accept(replace(job, inputs=(one,)), SHIPPED, PLACES))
        picture = store_settings.data_dir / one.path
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(job.id.encode())
    path, _ = await pack(
        store, FolderFiles(store_settings.data_dir), ANNA, tmp_path, part=1, limit_bytes=8 * MIB, rows_max=100
    )
    with ZipFile(path) as packed:
        names = [name for name in packed.namelist() if name.startswith("files/")]
        assert len(set(names)) == len(jobs)
        assert {packed.read(name).decode() for name in names} == {job.id for job in jobs}
