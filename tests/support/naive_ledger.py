"""A simple model of the ledger: a list of all draws, summed anew for every question.

A draw is in today's window if the calendar on the wall of the server's timezone shows the same date for both. Nothing
here knows of the program's windows, rows, sums or precedence.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

KINDS = ("day", "week", "month", "ever")


def label(kind: str, day: date) -> tuple[int, ...]:
    """Return what a calendar calls the day, week or month of a day."""
    match kind:
        case "day":
            return (day.year, day.month, day.day)
        case "week":
            return day.isocalendar()[:2]
        case _:
            return (day.year, day.month)


def midnight(zone: ZoneInfo, day: date) -> float:
    """Return the moment when a clock in that zone first shows the day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


@dataclass
class NaiveDraw:
    """One job's draw on one scope."""

    job: str
    scope: str
    amount: int
    at: float
    state: str = "held"
    settled: int = 0
    late: int = 0  # what a bill added after its end


@dataclass
class NaiveGrant:
    """One grant."""

    name: str
    member: int
    amount: int
    expires_at: float | None


@dataclass
class NaiveAttempt:
    """A job without a video: what the server paid or may pay of it, and whether it counts towards the member's wait."""

    job: str
    guild: int
    member: int
    at: float
    absorbed: int
    slows: bool


@dataclass(frozen=True)
class Asker:
    """The member who orders, with their channel and roles."""

    guild: int
    member: int
    channel: int
    roles: tuple[int, ...]


@dataclass
class Caps:
    """The shipped budgets and the operator's caps."""

    day: int = 100
    month: int = 400
    server_cap: int | None = 600
    total_cap: int | None = 1000
    absorbed: int = 25
    fruitless: int = 3
    wait_s: float = 300.0


@dataclass
class NaiveLedger:
    """Rules, grants and draws of several servers, as lists and dictionaries."""

    caps: Caps
    now: float
    rules: dict[tuple[int, str, str], tuple[Any, float | None]] = field(
        default_factory=dict[tuple[int, str, str], tuple[Any, float | None]]
    )
    grants: dict[int, list[NaiveGrant]] = field(default_factory=dict[int, list[NaiveGrant]])
    draws: list[NaiveDraw] = field(default_factory=list[NaiveDraw])
    attempts: list[NaiveAttempt] = field(default_factory=list[NaiveAttempt])
    askers: dict[str, Asker] = field(default_factory=dict[str, Asker])
    endings: dict[str, tuple[str, int, int]] = field(default_factory=dict[str, tuple[str, int, int]])
    exposed: set[str] = field(default_factory=set[str])
    unpaid: dict[str, int] = field(default_factory=dict[str, int])
    shares: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # the holds of jobs that several pay for
    no_jobs: set[str] = field(default_factory=set[str])  # holds that are no job of their member's
    kept: dict[tuple[int, str], tuple[float, float]] = field(default_factory=dict[tuple[int, str], tuple[float, float]])

    def rule(self, guild: int, subject: str, name: str) -> Any:
        """Return the value of a rule that has not expired."""
        value, expires_at = self.rules.get((guild, subject, name), (None, None))
        return value if expires_at is None or expires_at > self.now else None

    def zone(self, guild: int) -> ZoneInfo:
        """Return the server's timezone."""
        return ZoneInfo(self.rule(guild, "server", "timezone") or "UTC")

    def same(self, kind: str, zone: ZoneInfo, at: float) -> bool:
        """Return whether a moment is in the same local day, week or month as now."""
        here, there = (datetime.fromtimestamp(moment, zone).date() for moment in (self.now, at))
        return kind == "ever" or label(kind, here) == label(kind, there)

    def keep_windows(self, guild: int) -> None:
        """Note what is running before the timezone changes, unless it was noted already or nobody made a video yet."""
        if not any(one.scope == f"server:{guild}" for one in self.draws):
            return
        zone = self.zone(guild)
        today = datetime.fromtimestamp(self.now, zone).date()
        for kind in KINDS[:3]:
            if self.running_kept(guild, kind, zone) is not None:
                continue
            days = [today + timedelta(days=shift) for shift in range(-32, 33)]
            inside = [day for day in days if label(kind, day) == label(kind, today)]
            self.kept[guild, kind] = (
                midnight(zone, inside[0]),
                midnight(zone, inside[-1] + timedelta(days=1)),
            )

    def running_kept(self, guild: int, kind: str, zone: ZoneInfo) -> tuple[float, float] | None:
        """Return the noted window of before, up to the first midnight of this zone after its end, while it runs."""
        if (guild, kind) not in self.kept:
            return None
        began, ended = self.kept[guild, kind]
        last = datetime.fromtimestamp(ended, zone).date()
        midnights = [midnight(zone, last + timedelta(days=shift)) for shift in range(-1, 4)]
        ends = min(moment for moment in midnights if moment >= ended)
        return (began, ends) if began <= self.now < ends else None

    def limits(self, asker: Asker) -> dict[tuple[str, str], int]:
        """Return the cap of every budget that applies, by scope and kind of window."""
        guild = asker.guild
        caps: dict[tuple[str, str], int] = {}
        if self.caps.total_cap is not None:
            caps["all", "month"] = self.caps.total_cap
        if self.caps.server_cap is not None:
            caps[f"cap:{guild}", "month"] = self.caps.server_cap
        for kind in KINDS:
            for subject, scope in self.pools(asker):
                if (cap := self.rule(guild, subject, f"budget:{kind}")) is not None:
                    caps[scope, kind] = cap
            if (cap := self.allowance(asker, kind)) is not None:
                raised = self.rule(guild, f"member:{asker.member}", "raise")
                caps[f"member:{guild}:{asker.member}", kind] = cap + (raised["microusd"] if raised else 0)
        if not any(scope == f"server:{guild}" for scope, _ in caps):
            caps[f"server:{guild}", "month"] = self.caps.month
        return caps

    def pools(self, asker: Asker) -> Iterable[tuple[str, str]]:
        """Return the (rule subject, scope) of everything that can have a pool."""
        yield "server", f"server:{asker.guild}"
        yield f"channel:{asker.channel}", f"channel:{asker.guild}:{asker.channel}"
        for role in asker.roles:
            yield f"role:{role}", f"role:{asker.guild}:{role}"

    def allowance(self, asker: Asker, kind: str) -> int | None:
        """Return the member's allowance, before any raise."""
        name = f"allowance:{kind}"
        own = self.rule(asker.guild, f"member:{asker.member}", name)
        if own is not None:
            return own
        of_roles = [self.rule(asker.guild, f"role:{role}", name) for role in asker.roles]
        if any(cap is not None for cap in of_roles):
            return max(cap for cap in of_roles if cap is not None)
        default = self.rule(asker.guild, "server", name)
        if default is not None:
            return default
        servers = [self.rule(asker.guild, "server", f"allowance:{other}") for other in KINDS]
        return self.caps.day if kind == "day" and all(cap is None for cap in servers) else None

    def sums(self, guild: int, scope: str, kind: str) -> tuple[int, int]:
        """Return how much of a budget is held and spent in its current window."""
        zone = ZoneInfo("UTC") if scope == "all" or scope.startswith("cap:") else self.zone(guild)
        reset = self.rule(guild, f"member:{scope.rpartition(':')[2]}", "reset") if scope.startswith("member:") else None
        operators = scope == "all" or scope.startswith("cap:")
        kept = None if operators else self.running_kept(guild, kind, zone)
        held = spent = 0
        for one in self.draws:
            source = (
                one.scope.split(":")[0] == "server" if scope == "all" else one.scope == scope.replace("cap:", "server:")
            )
            if not source:
                continue
            if kept is not None and not kept[0] <= one.at < kept[1]:
                continue
            if kept is None and not self.same(kind, zone, one.at):
                continue
            if reset is not None and reset <= self.now and one.at < reset:
                continue
            held += one.amount if one.state in {"held", "exposed"} else 0
            spent += one.settled
        return held, spent

    def left_of(self, grant: NaiveGrant) -> int:
        """Return what is left of a grant, expired or not."""
        parts = [one for one in self.draws if one.scope == f"grant:{grant.name}"]
        return grant.amount - sum(one.amount if one.state in {"held", "exposed"} else one.settled for one in parts)

    def forbidden(self, asker: Asker, amount: int, mode: str) -> str | None:
        """Return the kind of rule that forbids the job, if any."""
        guild = asker.guild
        member = f"member:{asker.member}"
        access = {s: v[0] for (g, s, n), v in self.rules.items() if g == guild and n == "access"}
        here = access.get(f"channel:{asker.channel}")
        own = [one for one in self.draws if one.scope == f"member:{guild}:{asker.member}" and one.state == "held"]
        open_jobs = sum(one.at >= self.now - 32 * 86400 for one in own if one.job not in self.no_jobs)
        modes = self.of_roles(asker, "modes")
        ceiling = self.of_roles(asker, "ceiling")
        at_once = self.of_roles(asker, "at_once")
        broken = {
            "blocked": self.rule(guild, member, "blocked") is not None,
            "paused": self.rule(guild, "server", "paused") is not None,
            "channel": here == "deny" or (here is None and "allow" in access.values()),
            "mode": bool(modes) and mode not in {one for names in modes for one in names},
            "ceiling": bool(ceiling) and amount > max(ceiling),
            "fruitless": self.waits(asker),
            "at_once": bool(at_once) and open_jobs >= max(at_once),
        }
        return next((name for name, is_broken in broken.items() if is_broken), None)

    def waits(self, asker: Asker) -> bool:
        """Return whether the member has to wait after attempts that fal began and that gave no video."""
        ended = [one.at for one in self.attempts_of(asker) if one.slows]
        further = sum(at > self.now - 3600 for at in ended) - self.caps.fruitless
        return further >= 0 and self.now < max(ended) + min(3600.0, self.caps.wait_s * 2**further)

    def attempts_of(self, asker: Asker) -> list[NaiveAttempt]:
        """Return the member's attempts without a video of the last 24 hours."""
        mine = [one for one in self.attempts if (one.guild, one.member) == (asker.guild, asker.member)]
        return [one for one in mine if one.at > self.now - 86400]

    def absorbed(self, job: str) -> int:
        """Return what the server paid, or may yet pay, for the member's other failed jobs of the last 24 hours."""
        return sum(one.absorbed for one in self.attempts_of(self.askers[job]) if one.job != job)

    def forget(self, guild: int, member: int) -> None:
        """Take away the member's grants, which is all that is lost when their name goes from the books."""
        for one in self.grants.get(guild, []):
            one.member = 0 if one.member == member else one.member

    def of_roles(self, asker: Asker, name: str) -> list[Any]:
        """Return the values of the member's roles, or else the server's."""
        said = [self.rule(asker.guild, f"role:{role}", name) for role in asker.roles]
        said = [one for one in said if one is not None] or [self.rule(asker.guild, "server", name)]
        return [one for one in said if one is not None]

    def hold(
        self, job: str, asker: Asker, amount: int, mode: str, *, full: bool = False, is_share: bool = False
    ) -> str:
        """Hold, and return "again", "held", "short", "full", or the kind of rule that forbids it."""
        if any(one.job == job for one in self.draws):
            return "again"
        rule = self.forbidden(asker, amount, mode)
        if rule is not None and (not is_share or rule in {"blocked", "paused", "channel"}):
            return rule
        own, over = f"member:{asker.guild}:{asker.member}", 0
        for (scope, kind), cap in self.limits(asker).items():
            above = sum(self.sums(asker.guild, scope, kind)) + amount - cap
            if scope == own:
                over = max(over, min(above, amount))
            elif above > 0 and amount:
                return "short"
        parts: list[NaiveDraw] = []
        for grant in sorted(self.usable(asker), key=lambda one: (one.expires_at or 1e18, one.name)):
            part = min(over - sum(one.amount for one in parts), self.left_of(grant))
            if part > 0:
                parts.append(NaiveDraw(job, f"grant:{grant.name}", part, self.now))
        granted = sum(one.amount for one in parts)
        if granted < over or full:
            return "short" if granted < over else "full"
        self.askers[job] = asker
        self.draws += [NaiveDraw(job, scope, amount, self.now) for _, scope in self.pools(asker)]
        self.draws += [NaiveDraw(job, own, amount - granted, self.now), *parts]
        return "held"

    def usable(self, asker: Asker) -> list[NaiveGrant]:
        """Return the member's grants that have not expired."""
        mine = [one for one in self.grants.get(asker.guild, []) if one.member == asker.member]
        return [one for one in mine if one.expires_at is None or one.expires_at > self.now]

    def end(
        self,
        job: str,
        how: Literal["settle", "absorb", "release", "expose"],
        amount: int,
        *,
        bound: int | None = None,
        slows: bool = False,
    ) -> tuple[str, int, int]:
        """End a job's hold, or all holds of one that several pay for, each with its part of the amount."""
        parts = self.parts(job, amount)
        ended = [self.end_one(one, how, part, bound=bound, slows=slows and one == job) for one, part in parts]
        return ended[0][0], sum(one[1] for one in ended), sum(one[2] for one in ended)

    def holds_of(self, job: str) -> list[str]:
        """Return the ids of a job's holds."""
        return sorted(self.shares.get(job, [job]))

    def held_of(self, job: str) -> int:
        """Return what a job's holds held together in the server's pool."""
        pools = [one for one in self.draws if one.job in self.holds_of(job) and one.scope.startswith("server:")]
        return sum(one.amount for one in pools)

    def parts(self, job: str, amount: int) -> list[tuple[str, int]]:
        """Return what each hold of a job pays of an amount: one by one, whoever is furthest behind pays the next."""
        if job not in self.shares:
            return [(job, amount)]
        held = {one: self.held_of_one(one) for one in self.holds_of(job)}
        total = sum(held.values())
        amount = min(amount, total)
        paid = {one: amount * each // total if total else 0 for one, each in held.items()}
        for _ in range(amount - sum(paid.values())):
            behind = max(held, key=lambda one: (amount * held[one] - paid[one] * total, [-ord(c) for c in one]))
            paid[behind] += 1
        return list(paid.items())

    def held_of_one(self, hold: str) -> int:
        """Return what one hold held in the server's pool."""
        return sum(one.amount for one in self.draws if one.job == hold and one.scope.startswith("server:"))

    def end_one(
        self,
        job: str,
        how: Literal["settle", "absorb", "release", "expose"],
        amount: int,
        *,
        bound: int | None = None,
        slows: bool = False,
    ) -> tuple[str, int, int]:
        """End one hold, or repeat its first ending; return how it ended, and what the member and the server paid.

        The server absorbs at most `bound` for one member in 24 hours; the first job of unknown outcome is its own.
        """
        open_parts = [one for one in self.draws if one.job == job and one.state in {"held", "exposed"}]
        if not open_parts or (how == "expose" and any(one.state == "exposed" for one in open_parts)):
            return self.endings[job]
        held = max(one.amount for one in open_parts if not one.scope.startswith(("member:", "grant:")))
        mine = [one for one in open_parts if one.scope.startswith(("member:", "grant:"))]
        room = held if bound is None else max(0, bound - self.absorbed(job))
        paid = min(amount, held) if how in {"settle", "absorb"} else 0
        absorbed = 0
        if how == "expose":
            absorbed = held if held <= room or not self.absorbed(job) else 0
        elif not mine or how == "absorb":
            absorbed = min(paid, room) if mine else paid
        if how == "expose":
            self.exposed.add(job)
        if how in {"settle", "absorb"} and amount > held:
            self.unpaid[job] = amount - held
        ending = {"settle": "settled", "absorb": "settled", "release": "released", "expose": "exposed"}[how]
        stays = how == "expose" and absorbed < held
        rest = charged = max(0, paid - absorbed)
        for one in mine:  # the allowance's part comes first, then the grants in the order in which they were used
            one.state = "exposed" if stays else "settled" if rest else "released"
            one.settled = min(one.amount, rest)
            rest -= one.settled
        for one in open_parts:
            if one not in mine:
                one.state, one.settled = ending, paid
        if how == "expose" or absorbed or slows or not mine:
            self.note(job, absorbed, slows=slows)
        self.endings[job] = (ending, charged, paid)
        return self.endings[job]

    def correct(self, job: str, billed: int, policy: str, *, bound: int | None) -> tuple[str, int, int] | None:
        """Follow fal's bill for an ended job; return as `end`, or None while it has not ended."""
        parts = [one for one in self.draws if one.job == job]
        if any(one.state == "held" for one in parts):
            return None
        if any(one.state == "exposed" for one in parts):
            return self.end(job, "absorb" if billed else "release", billed, bound=bound)
        mine = [one for one in parts if one.scope.startswith(("member:", "grant:"))]
        servers = [one for one in parts if one not in mine]
        paid, charged, new = servers[0].settled, sum(one.settled for one in mine), min(billed, servers[0].amount)
        self.unpaid.pop(job, None)
        if billed > new:
            self.unpaid[job] = billed - new
        if new == paid:
            return self.endings[job]
        rest = max(0, new - self.absorbed_of(job, new, paid, charged, policy=policy, bound=bound))
        for one in mine:  # the allowance's part comes first; a grant gives no more than it has left
            part = min(one.amount, rest)
            rest -= part
            if one.scope.startswith("grant:") and part > one.settled:
                (grant,) = (each for all_ in self.grants.values() for each in all_ if one.scope == f"grant:{each.name}")
                part = one.settled + min(part - one.settled, max(0, self.left_of(grant)))
            self._book(one, part)
        for one in servers:
            self._book(one, new)
        charged_now = sum(one.settled for one in mine)
        if new - charged_now != paid - charged:
            self.note(job, new - charged_now, slows=False)
        self.endings[job] = ("settled", charged_now, new)
        return self.endings[job]

    def absorbed_of(self, job: str, new: int, paid: int, charged: int, *, policy: str, bound: int | None) -> int:
        """Return what the server pays for its member, once it pays `new` in all."""
        absorbed = paid - charged
        if new <= paid:
            return absorbed
        if job in self.exposed:
            return absorbed + new - paid
        if policy == "charge":
            return absorbed
        room = new if bound is None else max(0, bound - self.absorbed(job))
        return min(absorbed + new - paid, max(absorbed, room))

    def _book(self, draw: NaiveDraw, amount: int) -> None:
        if amount != draw.settled:
            draw.late += amount - draw.settled
            draw.state, draw.settled = "settled", amount

    def note(self, job: str, absorbed: int, *, slows: bool) -> None:
        """Note an attempt without a video; one that was noted before counts anew from now if the server pays more."""
        asker = self.askers[job]
        for one in self.attempts:
            if one.job == job:
                one.at = self.now if absorbed > one.absorbed else one.at
                one.absorbed = absorbed
                return
        self.attempts.append(NaiveAttempt(job, asker.guild, asker.member, self.now, absorbed, slows))
