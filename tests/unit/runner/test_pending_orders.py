"""Pending orders: who may take one, their limits, and their files."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.bounded import Bounds
from bot.catalogue.registry import price_table
from bot.files.folder import FolderFiles
from bot.jobs.model import Order, Request
from bot.ledger.model import Who
from bot.runner.order_space import OrderSpace
from bot.runner.pending_orders import PendingOrders
from tests.support.catalogue_samples import request
from tests.support.job_samples import NOW, PLACES
from tests.support.stores import MemoryStore

REQUEST = Request(mode=request("wan27-image"))
ORDER = Order(
    id="o1",
    who=Who(guild_id=1, channel_id=20, member_id=2),
    request=REQUEST,
    quote=REQUEST.quote(price_table()),
    requested_at=NOW,
)
LIFE_S = 60


class Clock:
    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until a test moves it."""
    return Clock()


def make_pending(data_dir: Path, clock: Clock, *, most: int = 10, in_server: int = 9, each: int = 9) -> PendingOrders:
    """Return an empty store of these bounds."""
    space = OrderSpace(MemoryStore(), FolderFiles(data_dir), PLACES.files)
    bounds = Bounds(of_member_max=each, in_server_max=in_server, most=most)
    return PendingOrders(space, bounds, life_s=LIFE_S, clock=clock)


async def keep(pending: PendingOrders, data_dir: Path, *orders: Order) -> None:
    """Give each order a file, and keep it."""
    for order in orders:
        folder = data_dir / "inputs" / order.id
        folder.mkdir(parents=True)
        (folder / "image.png").touch()
        await pending.keep(order)


def ids_with_files(data_dir: Path) -> set[str]:
    """Return the orders that still have a folder."""
    return {path.name for path in (data_dir / "inputs").iterdir()}


async def test_an_order_is_taken_once_and_by_its_member(tmp_path: Path, clock: Clock) -> None:
    """Only the member who asked takes an order out, and only once: two presses make one video."""
    pending = make_pending(tmp_path, clock)
    await keep(pending, tmp_path, ORDER)
    assert pending.take("o1", member_id=3) is None
    assert pending.take("o1", member_id=2) == ORDER
    assert pending.take("o1", member_id=2) is None
    assert ids_with_files(tmp_path) == {"o1"}


async def test_an_expired_order_is_gone(tmp_path: Path, clock: Clock) -> None:
    """An expired order can no longer be taken, and its files are removed with the next one that is kept."""
    pending = make_pending(tmp_path, clock)
    await keep(pending, tmp_path, ORDER)
    clock.now += LIFE_S
    assert pending.take("o1", member_id=2) is None
    await keep(pending, tmp_path, replace(ORDER, id="o2", requested_at=clock.now))
    assert ids_with_files(tmp_path) == {"o2"}


async def test_the_oldest_order_is_dropped(tmp_path: Path, clock: Clock) -> None:
    """There are never more orders than the bound."""
    pending = make_pending(tmp_path, clock, most=2)
    await keep(pending, tmp_path, *(replace(ORDER, id=f"o{number}") for number in range(4)))
    assert ids_with_files(tmp_path) == {"o2", "o3"}
    assert pending.take("o1", member_id=2) is None


async def test_files_are_removed_without_another_order(tmp_path: Path, clock: Clock) -> None:
    """The files of expired orders, of one member's orders, and at the end of all orders can be removed."""
    pending = make_pending(tmp_path, clock)
    late = replace(ORDER, id="o2", requested_at=NOW + LIFE_S)
    other = replace(late, id="o3", who=replace(ORDER.who, member_id=3))
    await keep(pending, tmp_path, ORDER, late, other)
    clock.now += LIFE_S
    await pending.drop_expired()
    assert ids_with_files(tmp_path) == {"o2", "o3"}
    await pending.drop_of(3)
    assert ids_with_files(tmp_path) == {"o2"}
    await pending.drop_all()
    assert ids_with_files(tmp_path) == set()
    assert pending.take("o2", member_id=2) is None


async def test_one_member_keeps_few(tmp_path: Path, clock: Clock) -> None:
    """A member's new orders replace only their own oldest ones, nobody else's."""
    pending = make_pending(tmp_path, clock, each=2)
    await keep(pending, tmp_path, replace(ORDER, id="other", who=replace(ORDER.who, member_id=3)))
    await keep(pending, tmp_path, *(replace(ORDER, id=f"o{number}") for number in range(5)))
    assert ids_with_files(tmp_path) == {"other", "o3", "o4"}
    assert pending.take("other", member_id=3) is not None


async def test_one_server_keeps_few(tmp_path: Path, clock: Clock) -> None:
    """A server's new orders replace only its own oldest ones; when all are too many, those of the server with most."""
    pending = make_pending(tmp_path, clock, most=4, in_server=3, each=9)
    await keep(pending, tmp_path, replace(ORDER, id="other", who=replace(ORDER.who, guild_id=9, member_id=3)))
    await keep(pending, tmp_path, *(replace(ORDER, id=f"o{n}", who=replace(ORDER.who, member_id=n)) for n in range(5)))
    assert ids_with_files(tmp_path) == {"other", "o2", "o3", "o4"}
    await keep(pending, tmp_path, replace(ORDER, id="third", who=replace(ORDER.who, guild_id=8)))
    assert ids_with_files(tmp_path) == {"other", "o3", "o4", "third"}


async def test_a_pending_rerun_is_known(tmp_path: Path, clock: Clock) -> None:
    """A pending rerun is found by member, parent and trigger until it is answered or expires."""
    pending = make_pending(tmp_path, clock)
    await pending.keep(replace(ORDER, request=replace(REQUEST, parent_id="p", trigger="react:🔁")))
    assert pending.has_rerun("p", 2, "react:🔁")
    assert not pending.has_rerun("p", 2, "react:🎲")
    assert not pending.has_rerun("p", 3, "react:🔁")
    clock.now += LIFE_S + 1
    assert not pending.has_rerun("p", 2, "react:🔁")
