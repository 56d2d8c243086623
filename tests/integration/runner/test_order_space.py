"""The bytes of files that wait for an answer: bounded, counted once and freed once, on both engines."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.bounded import Bounds
from bot.catalogue.registry import price_table
from bot.errors import Busy
from bot.files.folder import FolderFiles
from bot.jobs import acceptance, events, transactions
from bot.jobs.model import Order, Request, mode_of
from bot.jobs.places import FileBounds
from bot.ledger import rules
from bot.ledger.model import Shipped, Who
from bot.requester import Requester
from bot.runner.job_files import OrderFiles
from bot.runner.order_space import OrderSpace
from bot.runner.orphans import sweep
from bot.runner.pending_orders import PendingOrders
from bot.storage.transaction import Store
from tests.support.job_samples import NOW, PICTURE, PLACES, a_job
from tests.support.stores import MemoryStore

MB = 1_000_000
BOUNDS = FileBounds(of_member_bytes=30 * MB, in_server_bytes=50 * MB)
SHIPPED = Shipped(member_daily_microusd=10**12, server_monthly_microusd=10**12)
CLIPS = tuple(replace(PICTURE, option=f"video{number}", size_bytes=9 * MB) for number in range(3))


def _by(member_id: int = 2, guild_id: int = 1) -> Requester:
    return Requester(guild_id, member_id)


async def _waits(store: Store, job_id: str, member_id: int = 2) -> None:
    """Accept a job with 27 MB of files that waits for approval."""
    rule = {"above_microusd": 0, "role_id": None, "wait_s": 3600.0}
    await store.write(rules.set_rule(1, "server", "approval", rule, actor_id=9, reason="", at=NOW))
    job = a_job(id=job_id, member_id=member_id, inputs=CLIPS)
    assert (await store.write(acceptance.accept(job, SHIPPED, PLACES))).job.state == "waiting"


async def test_a_member_and_a_server_have_their_bounds(store: Store, tmp_path: Path) -> None:
    """What waits for approval, is pending and is being copied counts together; another server has its own bound."""
    space = OrderSpace(store, FolderFiles(tmp_path), BOUNDS)
    await _waits(store, "a" * 32)
    with pytest.raises(Busy, match=r"These files are 4 MB, and 27 MB of the 30 MB you can have waiting are taken\."):
        await space.take("o1", _by(), 4 * MB)
    await space.take("o2", _by(), 3 * MB)
    with pytest.raises(Busy, match=r"These files are 30.1 MB together, and the limit is 30 MB\."):
        await space.take("o3", _by(5), 30 * MB + 1)
    await space.take("o3", _by(5), 20 * MB)
    with pytest.raises(Busy, match=r"These files are 1 MB, and 50 MB of the 50 MB that this server can"):
        await space.take("o4", _by(6), 1 * MB)
    await space.take("o5", _by(6, guild_id=8), 30 * MB)
    await space.take("o3", _by(5), 19 * MB)  # fitted, and smaller now
    await space.take("o4", _by(6), 1 * MB)
    await store.write(transactions.advance("a" * 32, events.CancelAsked(), now=NOW))
    await space.take("o1", _by(), 27 * MB)
    assert space.total_bytes == (27 + 3 + 19 + 1 + 30) * MB


async def test_of_many_at_once_as_many_as_fit(store: Store, tmp_path: Path) -> None:
    """Of twenty simultaneous orders with 9 MB each, three of a member are taken."""
    space = OrderSpace(store, FolderFiles(tmp_path), BOUNDS)

    async def one(number: int) -> bool:
        try:
            await space.take(f"o{number}", _by(), 9 * MB)
        except Busy:
            return False
        return True

    assert sum(await asyncio.gather(*map(one, range(20)))) == 3
    assert space.total_bytes == 27 * MB


@pytest.fixture
def memory() -> MemoryStore:
    """A database in memory."""
    return MemoryStore()


async def _filled(space: OrderSpace, order_id: str, *, end: str) -> None:
    """Copy a file for an order, which ends like this."""
    async with OrderFiles(space, order_id, _by()) as files:
        await files.make_room(9 * MB)
        files.folder.mkdir(parents=True)
        (files.folder / "clip.mp4").touch()
        if end == "pending":
            files.leave_to_pending_order()
        elif end == "job":
            files.leave_to_job()
        elif end == "error":
            raise Busy("no place")


async def test_bytes_are_freed_when_the_files_go_or_are_a_jobs(memory: MemoryStore, tmp_path: Path) -> None:
    """A refused order's files are deleted and free, a job's are free, a pending one's count until it is dropped."""
    space = OrderSpace(memory, FolderFiles(tmp_path), BOUNDS)
    with pytest.raises(Busy, match="no place"):
        await _filled(space, "o1", end="error")
    await _filled(space, "o2", end="drop")
    await _filled(space, "o3", end="job")
    assert space.total_bytes == 0
    await _filled(space, "o4", end="pending")
    assert space.total_bytes == 9 * MB
    pending = PendingOrders(space, Bounds(of_member_max=1, in_server_max=9, most=9), life_s=60, clock=lambda: NOW)
    request = Request(mode=mode_of(a_job()))
    order = Order(
        id="o4",
        who=Who(guild_id=1, channel_id=3, member_id=2),
        request=request,
        quote=request.quote(price_table()),
        requested_at=NOW,
    )
    await pending.keep(order)
    await _filled(space, "o5", end="pending")
    await pending.keep(replace(order, id="o5"))  # drops the older one
    assert space.total_bytes == 9 * MB
    await pending.drop_of(2)
    assert space.total_bytes == 0
    assert {path.name for path in (tmp_path / "inputs").iterdir()} == {"o3"}


async def test_a_start_removes_what_no_job_has(store: Store, tmp_path: Path) -> None:
    """After a kill, the files of orders go at the next start, and those of a waiting job count on."""
    space = OrderSpace(store, FolderFiles(tmp_path), BOUNDS)
    await _filled(space, "a" * 32, end="job")
    await _filled(space, "b" * 32, end="pending")
    await _waits(store, "a" * 32)
    assert await sweep(store, FolderFiles(tmp_path), before=None) == 1
    assert [path.name for path in (tmp_path / "inputs").iterdir()] == ["a" * 32]
    with pytest.raises(Busy, match="27 MB of the 30 MB you can"):
        await OrderSpace(store, FolderFiles(tmp_path), BOUNDS).take("o1", _by(), 4 * MB)
