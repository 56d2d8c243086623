"""What the ledger speaks of, as plain frozen data. Amounts are integer micro-dollars, times Unix seconds."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

T = TypeVar("T")

Side: TypeAlias = Literal["member", "server"]
How: TypeAlias = Literal["settled", "released", "exposed"]
WindowKind: TypeAlias = Literal["day", "week", "month", "ever"]
Payers: TypeAlias = Literal["everyone", "server"]
Policy: TypeAlias = Literal["charge", "absorb"]
# `server`, `role` and `channel` are the server's rules about these; `member` is one about this member alone.
Setter: TypeAlias = Literal["operator", "shipped", "server", "role", "channel", "member"]
Whose: TypeAlias = Literal["all", "cap", "server", "role", "channel", "member", "grant"]

WINDOW_KINDS: tuple[WindowKind, ...] = ("day", "week", "month", "ever")
EVER_ENDS_AT = 253402300800.0  # the year 10000: no job is counted that late


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that a budget is for: `starts_at` is in it, `ends_at` is the first moment after it."""

    kind: WindowKind
    starts_at: float
    ends_at: float

    def holds(self, at: float) -> bool:
        """Return whether this moment is in the window."""
        return self.starts_at <= at < self.ends_at

    @property
    def renews_at(self) -> float | None:
        """When the next window begins; None for the one that never ends."""
        return None if self.kind == "ever" else self.ends_at


@dataclass(frozen=True, slots=True)
class Source:
    """The rule that gives a value: who set it, and its name as the end of a sentence.

    `to_member` is for the member that the rule holds for ("your override"), `to_others` for anybody else.
    """

    setter: Setter
    to_member: str
    to_others: str

    @classmethod
    def of(cls, setter: Setter, name: str) -> "Source":
        """Return a source whose name is the same for everybody."""
        return cls(setter, name, name)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a scope may spend in a window, and the rule that says so.

    `scope` is a text of `bot.ledger.scopes`: `server:<guild>`, `member:<guild>:<member>` and so on.
    """

    scope: str
    window: Window
    cap_microusd: int
    source: Source

    @property
    def whose(self) -> Whose:
        """Return the first word of the scope."""
        word: Any = self.scope.partition(":")[0]
        return word

    @property
    def side(self) -> Side:
        """Return whose money it is: the member's (an allowance, a grant), or the server's (everything else)."""
        return "member" if self.scope.startswith(("member:", "grant:")) else "server"

    @property
    def row(self) -> tuple[str, float, float]:
        """Return the key of its row in `budgets`; two limits may share one when a reset cut their windows alike."""
        return (self.scope, self.window.starts_at, self.window.ends_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is held by running jobs, and how much is spent."""

    limit: Limit
    held_microusd: int
    spent_microusd: int

    @property
    def used_microusd(self) -> int:
        """Held and spent together."""
        return self.held_microusd + self.spent_microusd

    @property
    def left_microusd(self) -> int:
        """What can still be held: never below zero, also when a lowered cap or a settlement above it says so."""
        return max(0, self.limit.cap_microusd - self.used_microusd)

    def holding(self, amount_microusd: int) -> "Standing":
        """Return it with so much more held."""
        return Standing(self.limit, self.held_microusd + amount_microusd, self.spent_microusd)


@dataclass(frozen=True, slots=True)
class Ruled(Generic[T]):
    """A value of the rules, and the rule that gave it."""

    value: T
    source: Source


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rulebook. `subject` is `server`, `role:<id>`, `channel:<id>` or `member:<id>`; `value` is JSON."""

    subject: str
    name: str
    value: Any
    expires_at: float | None = None
    reason: str = ""
    actor_id: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What holds before any server has said anything, and what the operator caps.

    `allowed_servers` empty means every server; a cap of None means no cap.
    """

    member_daily_microusd: int
    server_monthly_microusd: int
    server_cap_microusd: int | None = None
    total_cap_microusd: int | None = None
    allowed_servers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose job it is, and where: roles are those at the time of the command."""

    guild_id: int
    channel_id: int
    member_id: int
    role_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleQuery:
    """What of a job the rules look at besides its price. `resolution` is None for a mode that has none."""

    mode: str
    resolution: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A job dearer than `above_microusd` waits `wait_s` for a yes from `role_id`, or from who manages the server."""

    above_microusd: int
    role_id: int | None
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Everything the rules say about one member's jobs in one channel at one moment.

    None means that nothing limits it. `limits` are sorted by scope and window; `scopes` are all that a job draws on,
    whether a limit is set there or not. `blocked` and `paused` carry the administrators' reason; `channel_closed`
    says why this channel takes no jobs.
    """

    who: Who
    at: float
    limits: tuple[Limit, ...]
    scopes: tuple[str, ...]
    timezone: Ruled[str]
    policy: Ruled[Policy]
    confirm_above_microusd: Ruled[int]
    ceiling_microusd: Ruled[int] | None = None
    modes: Ruled[frozenset[str]] | None = None
    resolutions: Ruled[frozenset[str]] | None = None
    at_once: Ruled[int] | None = None
    blocked: Ruled[str] | None = None
    paused: Ruled[str] | None = None
    channel_closed: Ruled[str] | None = None
    server_allowed: bool = True
    approval: Ruled[Approval] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Money given to a member once, beside the allowance; unspent until `expires_at`, or for ever when None."""

    id: str
    guild_id: int
    member_id: int
    amount_microusd: int
    expires_at: float | None
    reason: str
    actor_id: int
    at: float


@dataclass(frozen=True, slots=True)
class GrantStanding:
    """A grant and how much of it is held and spent."""

    grant: Grant
    held_microusd: int
    spent_microusd: int

    @property
    def left_microusd(self) -> int:
        """What can still be held of it."""
        return max(0, self.grant.amount_microusd - self.held_microusd - self.spent_microusd)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a member's next job meets: the terms, where every limit stands, the unexpired grants, the open jobs.

    Grants come in the order in which they are used: the one that expires first, first.
    """

    terms: Terms
    standings: tuple[Standing, ...]
    grants: tuple[GrantStanding, ...] = ()
    open_jobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a job is paid for: `member_microusd` by the allowance, the rest by grants, as (scope, amount).

    `standings` are those after the hold.
    """

    member_microusd: int
    from_grants: tuple[tuple[str, int], ...]
    standings: tuple[Standing, ...]
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A server's pool reached a threshold (in percent) for the first time in a window."""

    guild_id: int
    limit_scope: str
    starts_at: float
    ends_at: float
    threshold: int
    used_microusd: int
    cap_microusd: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A job's hold is committed with this answer. `repeated` says that the job had one before, and nothing changed."""

    terms: Terms
    standings: tuple[Standing, ...]
    needs_approval: bool
    warnings: tuple[Warned, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job's hold ended, or that only the server's part is still open (`exposed`).

    `member_microusd` is what the member was charged (allowance and grants), `server_microusd` what the server's
    budgets spent; both are 0 unless settled. `repeated` says that the hold had already ended this way before the call,
    which changed nothing.
    """

    job_id: str
    how: How
    member_microusd: int
    server_microusd: int
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One administrative act. `before` and `after` are JSON values, None for "no rule"."""

    id: int
    guild_id: int
    at: float
    actor_id: int
    act: str
    subject: str
    before: Any
    after: Any
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement of money in one scope, never altered. `declined_by` is who declined the job, if somebody did."""

    id: str
    guild_id: int
    job_id: str
    scope: str
    kind: Literal["hold", "settle", "release", "expose"]
    held_delta_microusd: int
    spent_delta_microusd: int
    counted_at: float
    at: float
    actor: str
    reason: str
    declined_by: int | None = None

    @property
    def why(self) -> str:
        """The reason as people read it: with the id of who declined the job, "declined by 42"."""
        return self.reason if self.declined_by is None else f"{self.reason} by {self.declined_by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One job in the books: what it held, what it cost the member and the server. `mode` is "" when its row is gone.

    `state` is the server's side: held, exposed, settled or released; `job_state` is the job's own, from its row.
    """

    job_id: str
    member_id: int
    counted_at: float
    ended_at: float | None
    state: str
    quote_microusd: int
    member_microusd: int
    server_microusd: int
    mode: str
    job_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpend:
    """What a server spent on one mode on one day of its own calendar (`2026-11-20`), and how many jobs that were."""

    day: str
    mode: str
    spent_microusd: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpend:
    """What one member's jobs cost the server, and how many were settled."""

    member_id: int
    spent_microusd: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """One server's jobs together since a moment: every dollar once. `exposed_microusd` is part of the held."""

    guild_id: int
    jobs: int
    held_microusd: int
    exposed_microusd: int
    spent_microusd: int
