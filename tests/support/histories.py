"""What all random histories share: admins, clocks and grants, compared after each step with a simple model.

The model is in tests/support/naive_ledger.py. A subclass adds what members do, another where the transactions run.
"""

from datetime import datetime
from itertools import pairwise
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import Busy, NotAllowed, QuotaExceeded
from bot.ledger import holds, rules
from bot.ledger.acts import acts_of
from bot.ledger.audit import verify
from bot.ledger.grants import add_grant
from bot.ledger.model import Grant, Held, Shipped, Who
from bot.storage.transaction import Transaction
from tests.support.naive_ledger import Asker, Caps, NaiveGrant, NaiveLedger

GUILDS: tuple[int, ...] = (1, 2)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia")
# Just before a day of 23 hours, one of 25, ones of 23½ and 24½, a day that never was, and the end of a year.
STARTS = (
    ("Europe/Berlin", "2024-03-30T22:30"),
    ("America/New_York", "2024-11-02T22:30"),
    ("Australia/Lord_Howe", "2024-04-06T20:00"),
    ("Australia/Lord_Howe", "2024-10-05T20:00"),
    ("Pacific/Apia", "2011-12-29T21:00"),
    ("Asia/Kolkata", "2024-12-31T20:00"),
)
STEPS_S = st.sampled_from(
    [-5.0, 0.25, 60.0, 1800.0, 3600.0, 3 * 3600.0, 12 * 3600.0, 86400.0, 3 * 86400.0, 20 * 86400.0]
)
SHORTEST_DAY_S = 23 * 3600.0  # when the clocks go forward
AMOUNTS = st.integers(0, 60)
CAPS = st.integers(0, 160)
KINDS = st.sampled_from(["day", "week", "month", "ever"])
MEMBERS = st.integers(1, 2)
NUMBERS = st.integers(0, 30)
SUBJECTS = st.sampled_from(["server", "role:1", "role:2", "channel:1", "channel:2", "member:1", "member:2"])
ROLES = st.sampled_from([(), (1,), (2,), (1, 2)])
ASKERS = st.builds(Asker, st.sampled_from(GUILDS), MEMBERS, st.integers(1, 2), ROLES)
EXPIRIES = st.sampled_from([None, 1800.0, 86400.0, 5 * 86400.0])
OTHER_RULES = st.sampled_from(
    [("server", "timezone", zone) for zone in ZONES]
    + [
        ("member:1", "blocked", "spam"),
        ("server", "paused", "maintenance"),
        ("channel:1", "access", "deny"),
        ("channel:2", "access", "allow"),
        ("server", "modes", ["a"]),
        ("role:1", "modes", ["a", "b"]),
        ("server", "ceiling", 40),
        ("role:2", "ceiling", 55),
        ("server", "at_once", 2),
        ("role:1", "at_once", 4),
    ]
)


class History(RuleBasedStateMachine):
    """Random rules, grants and clocks; the model and the database agree after every step."""

    caps: ClassVar[Caps] = Caps()
    histories: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        # Histories may share a database, so each has servers, members and jobs of its own.
        type(self).histories += 1
        self.base = self.histories * 100
        self.model = NaiveLedger(self.caps, now=0.0)
        self.warned: set[tuple[str, float, float, int]] = set()
        self.latest = 0.0
        self.days: dict[int, set[float]] = {}  # when the days of each server began in which videos were ordered
        self.acts = dict.fromkeys(GUILDS, 0)
        self.shipped = Shipped(
            member_daily_microusd=self.caps.day,
            absorbed_daily_microusd=self.caps.absorbed,
            server_monthly_microusd=self.caps.month,
            server_cap_microusd=self.caps.server_cap,
            total_cap_microusd=self.caps.total_cap,
        )

    def run(self, transaction: Transaction[Any]) -> Any:
        """Run and commit a transaction."""
        raise NotImplementedError

    def crash(self, transaction: Transaction[Any], statements: int) -> None:
        """Run the first statements of a transaction, and crash before its commit."""
        raise NotImplementedError

    def reopen(self) -> None:
        """Close the database in an orderly way, and open it again."""
        raise NotImplementedError

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: tuple[str, str]) -> None:
        """Start shortly before a clock change in a timezone, which the first server uses."""
        zone, moment = start
        self.model.now = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).timestamp()
        self.change(1, "server", "timezone", zone, None)

    def asker(self, asker: Asker) -> Asker:
        """Return the asker as a member of this history's own, in a server of its own."""
        return Asker(self.base + asker.guild, self.base + asker.member, asker.channel, asker.roles)

    def own(self, subject: str) -> str:
        """Return a rule's subject with a member of this history's own."""
        kind, _, identity = subject.partition(":")
        return f"member:{self.base + int(identity)}" if kind == "member" else subject

    def change(self, guild: int, subject: str, name: str, value: Any, expires_in: float | None) -> None:
        """Set a rule in the ledger and in the model."""
        subject = self.own(subject)
        expires_at = None if expires_in is None else self.model.now + expires_in
        before, after = self.run(
            rules.set_rule(
                self.base + guild,
                subject,
                name,
                value,
                expires_at=expires_at,
                actor_id=9,
                reason="test",
                at=self.model.now,
            )
        )
        assert (before, after) == (self.model.rule(self.base + guild, subject, name), value)
        if name == "timezone" and value != before:
            self.model.keep_windows(self.base + guild)
        self.model.rules[self.base + guild, subject, name] = (value, expires_at)
        self.acts[guild] += 1

    @rule(
        guild=st.sampled_from(GUILDS),
        caps=st.dictionaries(SUBJECTS, CAPS, min_size=1, max_size=4),
        kind=KINDS,
        pool=st.booleans(),
        expires=EXPIRIES,
    )
    def set_budgets(self, guild: int, caps: dict[str, int], kind: str, expires: float | None, *, pool: bool) -> None:
        """Set the kind of budget that each subject can have: a pool or an allowance."""
        for subject, cap in caps.items():
            allowance = subject.startswith("member") or (not pool and not subject.startswith("channel"))
            name = f"{'allowance' if allowance else 'budget'}:{kind}"
            self.change(guild, subject, name, cap * {"day": 1, "week": 2, "month": 3, "ever": 5}[kind], expires)

    @rule(guild=st.sampled_from(GUILDS), what=OTHER_RULES)
    def set_another_rule(self, guild: int, what: tuple[str, str, Any]) -> None:
        """Change the timezone, block, pause, and so on."""
        self.change(guild, *what, expires_in=None)

    @rule(guild=st.sampled_from(GUILDS), member=MEMBERS, cap=CAPS, expires=st.sampled_from([1800.0, 86400.0]))
    def raise_for_a_while(self, guild: int, member: int, cap: int, expires: float) -> None:
        """Raise a member's allowance for a time."""
        self.change(guild, f"member:{member}", "raise", {"microusd": cap}, expires)

    @rule(guild=st.sampled_from(GUILDS), member=MEMBERS)
    def reset(self, guild: int, member: int) -> None:
        """Reset a member's windows."""
        self.change(guild, f"member:{member}", "reset", self.model.now, None)

    @precondition(lambda self: bool(self.model.rules))
    @rule(data=st.data())
    def clear(self, data: st.DataObject) -> None:
        """Clear one of the rules that were ever set."""
        self.take_back(*data.draw(st.sampled_from(sorted(self.model.rules))))

    def take_back(self, guild: int, subject: str, name: str) -> None:
        """Clear a rule in the ledger and in the model."""
        before = self.run(rules.clear_rule(guild, subject, name, actor_id=9, reason="test", at=self.model.now))
        assert before == self.model.rule(guild, subject, name)
        self.acts[guild - self.base] += before is not None
        if name == "timezone":
            self.model.keep_windows(guild)
        del self.model.rules[guild, subject, name]

    @rule(guild=st.sampled_from(GUILDS), member=MEMBERS, amount=CAPS, expires=EXPIRIES)
    def grant(self, guild: int, member: int, amount: int, expires: float | None) -> None:
        """Grant a member money."""
        known = self.model.grants.setdefault(self.base + guild, [])
        if len(known) >= 6:
            return
        expires_at = None if expires is None else self.model.now + expires
        name = f"{self.base + guild}-{len(known)}"
        given = Grant(
            id=name,
            guild_id=self.base + guild,
            member_id=self.base + member,
            amount_microusd=amount,
            expires_at=expires_at,
            reason="test",
            actor_id=9,
            at=0.0,
        )
        assert [self.run(add_grant(given)), self.run(add_grant(given))] == [True, False]
        known.append(NaiveGrant(name, self.base + member, amount, expires_at))
        self.acts[guild] += 1

    @rule(step=STEPS_S)
    def the_clock_moves(self, step: float) -> None:
        """Move the clock forward, across window ends and daylight saving changes, or back a little."""
        self.model.now += step

    @rule(guild=st.sampled_from(GUILDS), beside=st.sampled_from([-0.25, 0.0, 900.0]))
    def the_clock_moves_to_midnight(self, guild: int, beside: float) -> None:
        """Move the clock to a server's midnight, or just before."""
        zone, now = self.model.zone(self.base + guild), self.model.now
        moment = now // 900 * 900 + 900
        while datetime.fromtimestamp(moment, zone).date() == datetime.fromtimestamp(now, zone).date():
            moment += 900
        self.model.now = max(now, moment + beside)

    def compare_hold(
        self, job: str, asker: Asker, amount: int, mode: str, holding: Transaction[Held], *, full: bool = False
    ) -> Held | None:
        """Hold as in the model; an accepted job exceeds no cap. Return what was held, or None for a refusal."""
        answer = "short"
        try:
            held: Held | None = self.run(holding)
        except NotAllowed as refused:
            held, answer = None, refused.rule
        except QuotaExceeded:
            held = None
        except Busy:
            held, answer = None, "full"
        expected = self.model.hold(job, asker, amount, mode, full=full)
        if held is None:
            assert answer == expected
            return None
        assert expected == ("again" if held.repeated else "held")
        assert {
            (one.limit.scope, one.limit.window.kind): (one.held_microusd, one.spent_microusd) for one in held.standings
        } == {key: self.model.sums(asker.guild, *key) for key in self.model.limits(asker)}
        for (scope, kind), cap in self.model.limits(asker).items() if expected == "held" else ():
            used = sum(self.model.sums(asker.guild, scope, kind))
            mine = [one.amount for one in self.model.draws if one.job == job and one.scope == scope]
            assert used <= cap or mine == [0] or not amount
        for one in held.warnings:
            key = (one.limit_scope, one.starts_at, one.ends_at, one.threshold)
            assert key not in self.warned
            assert one.used_microusd * 100 >= one.cap_microusd * one.threshold
            self.warned.add(key)
        if self.model.now >= self.latest:
            self.latest = self.model.now
            pools = [one.limit for one in held.standings if one.limit.whose in {"server", "role", "channel"}]
            begun = {limit.window.starts_at for limit in pools if limit.window.kind == "day"}
            self.days.setdefault(asker.guild, set()).update(begun)
        return held

    @rule()
    def restart(self) -> None:
        """Reopen the database: the committed data is still there."""
        self.reopen()

    @invariant()
    def no_day_is_gained(self) -> None:
        """Check that each day began 23 hours or more after the one before, in whichever timezones."""
        for begun in map(sorted, self.days.values()):
            assert all(after - before >= SHORTEST_DAY_S for before, after in pairwise(begun))

    @invariant()
    def the_operators_caps_hold(self) -> None:
        """Check that servers have never more held and spent in a month than the operator allows, but for late bills."""
        late = sum(max(0, one.late) for one in self.model.draws)
        for guild in (self.base + guild for guild in GUILDS):
            for scope, cap in (("all", self.caps.total_cap), (f"cap:{guild}", self.caps.server_cap)):
                assert cap is None or sum(self.model.sums(guild, scope, "month")) <= cap + late

    @invariant()
    def standings_are_as_expected(self) -> None:
        """Compare every member's budgets, caps and grants with the model's sums."""
        for guild, roles in ((1, (1, 2)), (2, (1,))):
            for member in (1, 2):
                asker = self.asker(Asker(guild, member, member, roles))
                who = Who(guild_id=asker.guild, channel_id=member, member_id=asker.member, role_ids=roles)
                view = self.run(holds.standing(who, at=self.model.now, shipped=self.shipped))
                found = {
                    (one.limit.scope, one.limit.window.kind): (
                        one.limit.cap_microusd,
                        (one.held_microusd, one.spent_microusd),
                    )
                    for one in view.standings
                }
                assert found == {
                    (scope, kind): (cap, self.model.sums(asker.guild, scope, kind))
                    for (scope, kind), cap in self.model.limits(asker).items()
                }
                attempts = self.model.attempts_of(asker)
                assert view.fruitless.absorbed_microusd == sum(one.absorbed for one in attempts)
                assert (view.waits_until is not None) == self.model.waits(asker)
                assert {one.grant.id: one.left_microusd for one in view.grants} == {
                    one.name: left for one in self.model.usable(asker) if (left := self.model.left_of(one)) > 0
                }

    @invariant()
    def books_are_right(self) -> None:
        """Check that the rows equal the sums of entries and draws, each hold ends once, and each act is recorded."""
        assert self.run(verify()) == []
        for guild in GUILDS:
            acts = self.run(acts_of(self.base + guild, limit=1000))
            assert len(acts) == self.acts[guild]
