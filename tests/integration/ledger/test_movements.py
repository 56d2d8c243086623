"""Movements of money for admins, on both engines: pages, sums by hour, and the export's files."""

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.exports.rows import Names
from bot.exports.server import Bounds, export
from bot.ledger import holds
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.ledger.movements import Movement, movements, spend_by_hour
from bot.storage.transaction import Store

SHIPPED = Shipped(member_daily_microusd=10**12, server_monthly_microusd=10**12)
WHO = Who(guild_id=1, channel_id=3, member_id=2)
START = 1_795_000_000.0
JOBS = 7


@pytest.fixture
async def books(store: Store) -> Store:
    """Seven jobs, twenty minutes apart; the fourth is released and the last is held."""
    for number in range(JOBS):
        at = START + number * 1200
        job_id = f"{number:032x}"
        await store.write(
            holds.hold(
                job_id=job_id,
                amount_microusd=100 + number,
                who=WHO,
                query=RuleQuery(mode="wan27-image"),
                at=at,
                shipped=SHIPPED,
                reason="=1+1, as a spreadsheet would say",
            )
        )
        if number == 3:
            await store.write(holds.release(job_id, at=at + 5, actor="wanda", reason="no video"))
        elif number < JOBS - 1:
            await store.write(holds.settle(job_id, 100, at=at + 5, actor="wanda", reason="made"))
    return store


async def test_movements_come_in_pages(books: Store) -> None:
    """Every movement of the server's money comes exactly once, newest first, with its member, and nobody else's."""
    seen: list[Movement] = []
    page = await books.read(movements(1, limit=4))
    while page:
        seen += page
        page = await books.read(movements(1, limit=4, before=page[-1].cursor))
    assert len(seen) == 2 * JOBS - 1
    assert len({one.entry.id for one in seen}) == len(seen)
    assert [one.entry.at for one in seen] == sorted((one.entry.at for one in seen), reverse=True)
    assert {one.entry.scope for one in seen} == {"server:1"}
    assert {one.member_id for one in seen} == {2}
    assert await books.read(movements(99, limit=4)) == ()


async def test_hours_add_up(books: Store) -> None:
    """Each hour has what its jobs spent or hold, without releases; the sum is the pool's."""
    hours = await books.read(spend_by_hour("server:1", since=START))
    assert sum(amount for _, amount in hours) == 100 * 5 + 106
    assert all(at % 3600 == 0 for at, _ in hours)
    assert [at for at, _ in hours] == sorted({at for at, _ in hours})
    assert all(START < at <= START + JOBS * 1200 + 3600 for at, _ in hours)
    assert await books.read(spend_by_hour("server:1", since=START + 10**6)) == ()


async def test_the_export_is_whole_and_harmless(books: Store, tmp_path: Path) -> None:
    """Every job and every entry is in the files, oldest first, and no cell is a formula."""
    jobs, entries = await export(
        books, 1, tmp_path, since=0.0, bounds=Bounds(rows=1000, size_bytes=10**6), find_names=_names
    )
    assert (jobs.rows, jobs.whole, entries.whole) == (JOBS, True, True)
    rows = list(csv.DictReader(jobs.path.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["video_id"].removeprefix("'") for row in rows] == [f"{number:032x}" for number in range(JOBS)]
    assert {row["money"] for row in rows} == {"settled", "released", "held"}
    moved = list(csv.DictReader(entries.path.read_text(encoding="utf-8-sig").splitlines()))
    assert len(moved) == entries.rows > 2 * JOBS
    assert all(row["reason"][0] != "=" for row in moved)
    later, _ = await export(
        books,
        1,
        _made(tmp_path / "later"),
        since=START + 1300,
        bounds=Bounds(rows=9, size_bytes=10**6),
        find_names=_names,
    )
    assert later.rows == JOBS - 2


@pytest.mark.parametrize("bounds", [Bounds(rows=3, size_bytes=10**6), Bounds(rows=1000, size_bytes=400)])
async def test_the_export_is_bounded(books: Store, tmp_path: Path, bounds: Bounds) -> None:
    """A file never has more rows or bytes than it may, and says that it is not whole."""
    for written in await export(books, 1, tmp_path, since=0.0, bounds=bounds, find_names=_names):
        assert not written.whole
        assert written.rows <= bounds.rows
        assert written.path.stat().st_size <= bounds.size_bytes


async def _names(members: Iterable[int]) -> Names:
    return Names(reader_id=1, members={member_id: f"={member_id}" for member_id in members})


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
