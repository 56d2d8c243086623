"""A rehearsal replays what a server's members did under other rules, through the decision of a hold."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotAllowed, QuotaExceeded
from bot.ledger import holds, rules
from bot.ledger.grants import add_grant
from bot.ledger.model import Grant, Rule, RuleQuery, Shipped, Who
from bot.ledger.past_jobs import PastJob, grants_to, opening_of, past_jobs
from bot.ledger.rehearsal import Change, Outcome, begun_before, changed_rules, difference, replay, trials
from tests.support.naive_ledger import Asker, Caps, NaiveGrant, NaiveLedger
from tests.support.stores import MemoryStore

GUILD = 7
BEGIN = 1_795_000_000.0
DAY_S = 86_400.0
SHIPPED = Shipped(member_daily_microusd=100, server_monthly_microusd=400, fruitless_max=1000)
WINDOWS = ("day", "week", "month", "ever")
WHO = Who(guild_id=GUILD, channel_id=1, member_id=42)


@dataclass(frozen=True)
class Order:
    """A video that a member asks for some time after the one before, and how it ends some time later."""

    after_s: float
    asker: Asker
    amount: int
    ends_after_s: float | None
    how: str
    share: int


ASKERS = st.builds(
    Asker,
    guild=st.just(GUILD),
    member=st.sampled_from([11, 12]),
    channel=st.sampled_from([1, 2]),
    roles=st.sampled_from([(), (21,), (21, 22)]),
)
ORDERS = st.lists(
    st.builds(
        Order,
        after_s=st.sampled_from([0.0, 60.0, 7200.0, DAY_S, 8 * DAY_S]),
        asker=ASKERS,
        amount=st.integers(0, 60),
        ends_after_s=st.sampled_from([None, 0.0, 30.0, 3600.0, 2 * DAY_S]),
        how=st.sampled_from(["settle", "absorb", "release", "expose"]),
        share=st.integers(0, 100),
    ),
    max_size=12,
)
CAPS = st.integers(0, 200)
RULES = st.dictionaries(
    st.one_of(
        st.tuples(
            st.sampled_from(["server", "role:21", "channel:1"]), st.sampled_from([f"budget:{w}" for w in WINDOWS])
        ),
        st.tuples(
            st.sampled_from(["server", "role:21", "role:22", "member:11"]),
            st.sampled_from([f"allowance:{w}" for w in WINDOWS]),
        ),
        st.tuples(st.sampled_from(["server", "role:22"]), st.just("ceiling")),
    ),
    CAPS,
    max_size=5,
).flatmap(
    lambda amounts: st.fixed_dictionaries(
        {},
        optional={
            ("server", "at_once"): st.integers(1, 3),
            ("role:21", "at_once"): st.integers(1, 3),
            ("channel:1", "access"): st.sampled_from(["allow", "deny"]),
        },
    ).map(lambda others: {**amounts, **others})
)
GRANTS = st.lists(
    st.tuples(st.sampled_from([11, 12]), st.integers(1, 80), st.sampled_from([None, 3 * DAY_S, 40 * DAY_S])), max_size=3
)
Named = dict[tuple[str, str], Any]
End = tuple[float, int, str, int]


def as_rules(named: Named) -> tuple[Rule, ...]:
    """Return the rules."""
    return tuple(Rule(subject, name, value) for (subject, name), value in named.items())


def live(books: MemoryStore, orders: Sequence[Order], named: Named, grants: Sequence[Any]) -> tuple[list[End], float]:
    """Place the orders for real; return the endings, as (moment, job, how, amount), and the last moment."""
    for (subject, name), value in named.items():
        books.run(rules.set_rule(GUILD, subject, name, value, actor_id=1, reason="", at=BEGIN))
    for number, (member, amount, life_s) in enumerate(grants):
        expires_at = None if life_s is None else BEGIN + life_s
        books.run(
            add_grant(
                Grant(
                    id=f"g{number}",
                    guild_id=GUILD,
                    member_id=member,
                    amount_microusd=amount,
                    expires_at=expires_at,
                    reason="",
                    actor_id=1,
                    at=BEGIN,
                )
            )
        )
    now, due, done = BEGIN, list[End](), list[End]()
    for number, order in enumerate(orders):
        now += order.after_s
        end_due(books, due, done, now)
        asker = order.asker
        try:
            books.run(
                holds.hold(
                    job_id=f"{number:04}",
                    amount_microusd=order.amount,
                    who=Who(guild_id=GUILD, channel_id=asker.channel, member_id=asker.member, role_ids=asker.roles),
                    query=RuleQuery(mode="m"),
                    at=now,
                    shipped=SHIPPED,
                    reason="",
                )
            )
        except (NotAllowed, QuotaExceeded):
            continue
        if order.ends_after_s is not None:
            due.append((now + order.ends_after_s, number, order.how, order.amount * order.share // 100))
    end_due(books, due, done, now)
    return done, now


def end_due(books: MemoryStore, due: list[End], done: list[End], now: float) -> None:
    """End the holds that are due."""
    for one in sorted(due):
        at, number, how, amount = one
        if at > now:
            break
        due.remove(one)
        done.append(one)
        said: Any = {"at": at, "actor": "", "reason": ""}
        match how:
            case "settle":
                books.run(holds.settle(f"{number:04}", amount, **said))
            case "absorb":
                books.run(holds.settle(f"{number:04}", amount, payers="server", **said))
            case "release":
                books.run(holds.release(f"{number:04}", **said))
            case _:
                books.run(holds.expose(f"{number:04}", **said))


def rehearse(books: MemoryStore, rulebook: Sequence[Rule], *, since: float = 0.0) -> tuple[Sequence[PastJob], Outcome]:
    """Replay the jobs in these books under these rules."""
    jobs = books.run(past_jobs(GUILD, since=since, limit=100))
    tried = trials(jobs, rulebook, shipped=SHIPPED)
    grants = books.run(grants_to(GUILD, {job.who.member_id for job in jobs}))
    first_at = jobs[0].at if jobs else since
    opening = books.run(opening_of(begun_before(tried, grants, first_at=first_at), before=first_at))
    return jobs, replay(tried, grants, opening)


def naive(orders: Sequence[Order], accepted: set[str], done: Sequence[End], named: Named, grants: Any) -> set[str]:
    """Return what the simple model refuses of the accepted orders under these rules."""
    caps = Caps(day=100, month=400, server_cap=None, total_cap=None, fruitless=1000)
    model = NaiveLedger(caps, BEGIN)
    model.rules = {(GUILD, subject, name): (value, None) for (subject, name), value in named.items()}
    model.grants[GUILD] = [
        NaiveGrant(f"g{number}", member, amount, None if life_s is None else BEGIN + life_s)
        for number, (member, amount, life_s) in enumerate(grants)
    ]
    refused: set[str] = set()
    held: set[str] = set()
    ends = sorted(done)
    for number, order in enumerate(orders):
        job = f"{number:04}"
        model.now += order.after_s
        for one in [end for end in ends if end[0] <= model.now and f"{end[1]:04}" in held]:
            ends.remove(one)
            how: Any = one[2]
            model.end(f"{one[1]:04}", how, one[3])
        if job in accepted:
            (held if model.hold(job, order.asker, order.amount, "m") == "held" else refused).add(job)
    return refused


@given(orders=ORDERS, named=RULES, grants=GRANTS)
def test_todays_rules_refuse_nothing_that_they_accepted(orders: list[Order], named: Named, grants: list[Any]) -> None:
    """Whatever happened under rules that did not change since is accepted again by the same rules."""
    books = MemoryStore()
    with closing(books.connection):
        live(books, orders, named, grants)
        assert rehearse(books, as_rules(named))[1].refused == frozenset()


@given(orders=ORDERS, named=RULES, others=RULES, grants=GRANTS)
def test_other_rules_refuse_what_a_simple_model_refuses(
    orders: list[Order], named: Named, others: Named, grants: list[Any]
) -> None:
    """Under any other rules the replay refuses exactly the jobs that a model refuses which sums all draws anew."""
    books = MemoryStore()
    with closing(books.connection):
        done, _ = live(books, orders, named, grants)
        jobs, outcome = rehearse(books, as_rules(others))
        assert set(outcome.refused) == naive(orders, {job.job_id for job in jobs}, done, others, grants)


def change(subject: str, name: str, value: Any) -> Change:
    """Return the change of one rule."""
    return Change(subject=subject, name=name, value=value)


def past(number: int, at: float, microusd: int, **more: Any) -> PastJob:
    """Return a job that was made and cost its price."""
    made = PastJob(
        job_id=f"{number:04}",
        who=WHO,
        at=at,
        query=RuleQuery(mode="wan27-image", resolution="1080p"),
        amount_microusd=microusd,
        server_ended_at=at + 10,
        server_spent_microusd=microusd,
        member_ended_at=at + 10,
        member_spent_microusd=microusd,
    )
    return replace(made, **more)


FRIENDS = replace(WHO, member_id=43)
JOBS = (
    past(1, BEGIN, 10),
    past(2, BEGIN + 60, 20, who=FRIENDS),
    past(3, BEGIN + DAY_S, 30, query=RuleQuery(mode="wan22-video", resolution="480p")),
    past(4, BEGIN + 2 * DAY_S, 40, query=RuleQuery(mode="")),
)


@pytest.mark.parametrize(
    ("what", "refused", "waiting"),
    [
        (change("server", "modes", ["wan27-image"]), {"0003"}, set[str]()),
        (change("server", "resolutions", ["480p"]), {"0001", "0002"}, set[str]()),
        (change("server", "ceiling", 25), {"0003", "0004"}, set[str]()),
        (change("server", "allowance:ever", 40), {"0004"}, set[str]()),
        (change("channel:2", "access", "allow"), {"0001", "0002", "0003", "0004"}, set[str]()),
        (change("server", "paused", "why"), set[str](), set[str]()),
        (change("member:43", "blocked", "why"), set[str](), set[str]()),
        (
            change("server", "approval", {"above_microusd": 20, "role_id": None, "wait_s": 60}),
            set[str](),
            {"0003", "0004"},
        ),
    ],
)
def test_each_kind_of_rule(what: Change, refused: set[str], waiting: set[str]) -> None:
    """A rule refuses what it would refuse today; a deleted job's mode is not known, and pauses are left out."""
    outcome = replay(trials(JOBS, changed_rules((), [what]), shipped=SHIPPED), {}, {})
    assert (set(outcome.refused), set(outcome.waiting)) == (refused, waiting)


def test_only_what_the_change_adds_is_told() -> None:
    """Jobs that today's rules would refuse as well do not count, and what a job cost is what it spent or holds."""
    before = (Rule("server", "modes", ["wan27-image"]),)
    jobs = (*JOBS, past(5, BEGIN + 3 * DAY_S, 50, server_spent_microusd=0, member_spent_microusd=0))
    after = changed_rules(before, [change("server", "ceiling", 15)])
    outcomes = [replay(trials(jobs, one, shipped=SHIPPED), {}, {}) for one in (before, after)]
    told = difference(jobs, outcomes[0], outcomes[1], since=BEGIN)
    assert (told.refused.jobs, told.refused.microusd, told.refused.members) == (3, 60, 2)
    assert not told.is_harmless
    assert difference(jobs, outcomes[0], outcomes[0], since=BEGIN).is_harmless


@pytest.mark.parametrize(
    ("life_s", "spent", "refused"),
    [(None, 40, set[str]()), (None, 90, {"0002"}), (60.0, 40, {"0001", "0002"})],
)
def test_grants_are_used_where_the_allowance_is_short(
    books: MemoryStore, life_s: float | None, spent: int, refused: set[str]
) -> None:
    """A grant carries what a smaller allowance cannot, until it is used up or has expired."""
    orders = [Order(7200.0, Asker(GUILD, 11, 1, ()), 100, 30.0, "settle", spent) for _ in range(3)]
    live(books, orders, {("server", "allowance:ever"): 1000}, [(11, 150, life_s)])
    assert rehearse(books, (Rule("server", "allowance:ever", 100),))[1].refused == refused


def test_what_was_spent_before_counts(books: MemoryStore) -> None:
    """Of windows that began before the first replayed job, what was drawn on them before counts."""
    orders = [Order(after_s, Asker(GUILD, 11, 1, ()), 60, 5.0, "settle", 100) for after_s in (0.0, 7200.0, 7200.0)]
    live(books, orders, {("server", "allowance:ever"): 1000}, [])
    tight = (Rule("server", "allowance:ever", 130),)
    assert rehearse(books, tight, since=BEGIN + 1)[1].refused == {"0002"}
    assert rehearse(books, (Rule("server", "allowance:ever", 180),), since=BEGIN + 1)[1].refused == frozenset()


def test_the_latest_jobs_within_the_bound(books: MemoryStore) -> None:
    """Of too many jobs the latest are replayed, oldest first."""
    orders = [Order(60.0, Asker(GUILD, 11, 1, ()), 1, 5.0, "settle", 100) for _ in range(6)]
    live(books, orders, {}, [])
    assert [job.job_id for job in books.run(past_jobs(GUILD, since=0.0, limit=2))] == ["0004", "0005"]
