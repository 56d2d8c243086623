"""The bounds on unfinished jobs against a naive count of the same jobs."""

from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Busy, Refusal
from bot.jobs import acceptance, events, queries, transactions
from bot.jobs.approval import approve_all
from bot.jobs.model import Job
from bot.jobs.places import FileBounds, Places, waiting_files
from bot.ledger import rules
from bot.ledger.model import Shipped
from tests.support.job_samples import NOW, PICTURE, a_job
from tests.support.stores import MemoryStore

SHIPPED = Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**9, fruitless_max=1000)
PLACES = Places(
    running_max=5,
    running_in_server_max=3,
    running_of_member_max=2,
    waiting_in_server_max=3,
    waiting_of_member_max=2,
    files=FileBounds(of_member_bytes=2_000, in_server_bytes=3_000),
)
DEAR, CHEAP = 900_000, 100_000
APPROVAL = {"above_microusd": 500_000, "role_id": None, "wait_s": 3600.0}


@dataclass
class Counted:
    """What the naive count knows of an unfinished job."""

    guild_id: int
    member_id: int
    waits: bool
    size_bytes: int


class Naive:
    """All unfinished jobs in a dict, counted anew for every question."""

    def __init__(self) -> None:
        self.jobs: dict[str, Counted] = {}

    @property
    def running(self) -> int:
        """How many do not wait, in all servers."""
        return sum(not one.waits for one in self.jobs.values())

    def has_place(self, new: Counted) -> bool:
        """Return whether one more job may be there."""
        alike = [one for one in self.jobs.values() if one.waits == new.waits]
        server = [one for one in alike if one.guild_id == new.guild_id]
        own = [one for one in server if one.member_id == new.member_id]
        if not new.waits:
            return len(alike) < 5 and len(server) < 3 and len(own) < 2
        bytes_in_server, bytes_of_member = (sum(one.size_bytes for one in some) for some in (server, own))
        fits = bytes_in_server + new.size_bytes <= 3_000 and bytes_of_member + new.size_bytes <= 2_000
        return fits and len(server) < 3 and len(own) < 2


Action = tuple[Literal["order", "approve", "cancel"], int, int, bool, int]
_actions = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "order", "approve", "cancel"]),
        st.integers(1, 2),
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from([0, 900, 1_500, 2_500]),
    ),
    max_size=40,
)


def _order(number: int, guild_id: int, member_id: int, *, dear: bool, size_bytes: int) -> Job:
    return a_job(
        id=f"{number:032x}",
        guild_id=guild_id,
        member_id=member_id,
        quote_microusd=DEAR if dear else CHEAP,
        inputs=(replace(PICTURE, size_bytes=size_bytes),),
    )


def _tried(store: MemoryStore, job: Job, running: int) -> bool:
    try:
        accepted = store.run(acceptance.accept(job, SHIPPED, PLACES, running=running))
    except Busy:
        return False
    assert accepted.job.state == ("waiting" if job.quote_microusd == DEAR else "accepted")
    return True


def _approved(store: MemoryStore, job_id: str, running: int) -> bool:
    try:
        store.run(
            approve_all((job_id,), events.Approved(9), shipped=SHIPPED, places=PLACES, now=NOW + 1, running=running)
        )
    except Busy:
        still = store.run(queries.get(job_id))
        assert still is not None
        assert (still.state, still.approved_by) == ("waiting", None)
        return False
    return True


@given(_actions)
def test_a_job_begins_exactly_when_a_naive_count_has_a_place(actions: list[Action]) -> None:
    """Waiting jobs take no running place; an approved one takes it then, or is refused and waits on."""
    store, naive = MemoryStore(), Naive()
    with closing(store.connection):
        for guild_id in (1, 2):
            said: dict[str, Any] = {"actor_id": 9, "reason": "", "at": NOW - 1}
            store.run(rules.set_rule(guild_id, "server", "approval", APPROVAL, **said))
        for number, (what, guild_id, member_id, dear, size_bytes) in enumerate(actions):
            mine = [key for key, one in naive.jobs.items() if (one.guild_id, one.member_id) == (guild_id, member_id)]
            if what == "order":
                new = Counted(guild_id, member_id, dear, size_bytes)
                job = _order(number, guild_id, member_id, dear=dear, size_bytes=size_bytes)
                expected = naive.has_place(new)
                assert _tried(store, job, naive.running) == expected
                if expected:
                    naive.jobs[job.id] = new
            elif what == "cancel" and mine:
                store.run(transactions.advance(mine[0], events.CancelAsked(), now=NOW + 1))
                store.run(transactions.advance(mine[0], events.EndShown(), now=NOW + 1))
                del naive.jobs[mine[0]]
            elif what == "approve" and (waiting := [key for key in mine if naive.jobs[key].waits]):
                begun = replace(naive.jobs[waiting[0]], waits=False)
                assert _approved(store, waiting[0], naive.running) == naive.has_place(begun)
                if naive.has_place(begun):
                    naive.jobs[waiting[0]] = begun
            found = store.run(waiting_files(guild_id, member_id))
            there = [one for one in naive.jobs.values() if one.waits and one.guild_id == guild_id]
            own = sum(one.size_bytes for one in there if one.member_id == member_id)
            assert found == (own, sum(one.size_bytes for one in there))


def test_what_people_read_names_the_number_the_limit_and_the_way_out() -> None:
    """Each full place is named by whose it is, how many there are and may be, and what to do."""
    store = MemoryStore()
    sentences: list[str] = []
    with closing(store.connection):
        orders = [(1, 1), (1, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
        for number, (guild_id, member_id) in enumerate(orders):
            try:
                job = _order(number, guild_id, member_id, dear=False, size_bytes=1)
                store.run(acceptance.accept(job, SHIPPED, PLACES, running=number - len(sentences)))
            except Refusal as refusal:
                sentences.append(str(refusal))
    assert sentences == [
        (
            "You have 2 videos going, and 2 at once is the most. "
            "Wait until one is done, or cancel one with `/jobs cancel`."
        ),
        ("This server has 3 videos going, and 3 at once is the most. You weren't charged; try again in a few minutes."),
        ("Wanda is working on 5 videos, the most at once. You weren't charged; try again in a few minutes."),
    ]
