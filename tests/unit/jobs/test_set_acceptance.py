"""A set is accepted as a whole or not at all, whatever is in its way and wherever the process dies."""

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.errors import Busy, NotAllowed, QuotaExceeded
from bot.jobs import acceptance
from bot.jobs.model import Job
from bot.jobs.variations import jobs_from
from bot.ledger import rules
from bot.ledger.audit import verify
from bot.ledger.model import Shipped
from bot.storage.batch import execute
from tests.support.job_samples import NOW, PLACES
from tests.support.set_histories import an_order
from tests.support.stores import MemoryStore

EACH = 500_000
SHIPPED = Shipped(member_daily_microusd=4 * EACH, server_monthly_microusd=10**9)


def jobs_of(videos: int) -> tuple[Job, ...]:
    """Return the jobs of an order of so many videos."""
    return jobs_from(an_order(videos, EACH), now=NOW)


def left_of(store: MemoryStore) -> tuple[int, int, int]:
    """Return how many jobs, draws and entries there are."""
    tables = ("jobs", "draws", "entries")
    jobs, draws, entries = (store.connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in tables)  # noqa: S608 - constants
    return jobs, draws, entries


def set_rule(store: MemoryStore, name: str, value: Any) -> None:
    """Set a rule of the server."""
    store.run(rules.set_rule(1, "server", name, value, actor_id=9, reason="", at=NOW - 1))


def test_a_death_before_the_commit_leaves_nothing() -> None:
    """At every statement of the acceptance of four videos."""
    store, died = MemoryStore(), 0
    with closing(store.connection):
        while True:
            store.connection.execute("BEGIN")
            accepting = acceptance.accept_all(jobs_of(4), SHIPPED, PLACES)
            answer = partial(execute, store.connection.cursor())
            try:
                statement = next(accepting)
                for _ in range(died):
                    statement = accepting.send(answer(statement))
            except StopIteration:
                break
            finally:
                store.connection.execute("ROLLBACK")
            died += 1
            assert left_of(store) == (0, 0, 0)
        assert died > 8
        accepted = store.run(acceptance.accept_all(jobs_of(4), SHIPPED, PLACES))
        assert [one.job.state for one in accepted] == ["accepted"] * 4
        assert store.run(verify()) == []


@pytest.mark.parametrize(("videos", "state"), [(2, "accepted"), (3, "waiting")])
def test_the_sum_decides_about_the_approval(videos: int, state: str) -> None:
    """Each is below the limit; together three are above it, and then all of them wait."""
    store = MemoryStore()
    with closing(store.connection):
        set_rule(store, "approval", {"above_microusd": 2 * EACH, "role_id": None, "wait_s": 3600.0})
        accepted = store.run(acceptance.accept_all(jobs_of(videos), SHIPPED, PLACES))
        assert [one.job.state for one in accepted] == [state] * videos


def test_what_fits_no_budget_together_is_refused_together() -> None:
    """The sentence says the number and the sum, and no part of it is held."""
    store = MemoryStore()
    with closing(store.connection):
        set_rule(store, "allowance:day", 3 * EACH)
        with pytest.raises(QuotaExceeded, match=r"These 4 videos cost \$2.00"):
            store.run(acceptance.accept_all(jobs_of(4), SHIPPED, PLACES))
        assert left_of(store) == (0, 0, 0)


def test_the_number_counts_for_places_and_for_videos_at_once() -> None:
    """Three places are not enough for four videos, and nor is a limit of three at once."""
    store = MemoryStore()
    with closing(store.connection):
        few = replace(PLACES, running_of_member_max=3)
        with pytest.raises(Busy, match="no room for 4 more"):
            store.run(acceptance.accept_all(jobs_of(4), SHIPPED, few))
        set_rule(store, "at_once", 3)
        with pytest.raises(NotAllowed, match="want 4 more"):
            store.run(acceptance.accept_all(jobs_of(4), SHIPPED, PLACES))
        assert left_of(store) == (0, 0, 0)
        assert len(store.run(acceptance.accept_all(jobs_of(3), SHIPPED, few))) == 3


def test_the_most_for_one_video_is_for_each() -> None:
    """A limit on the price of one video does not count the others."""
    store = MemoryStore()
    with closing(store.connection):
        set_rule(store, "ceiling", EACH)
        assert len(store.run(acceptance.accept_all(jobs_of(4), SHIPPED, PLACES))) == 4
