"""The ledger's data types, all frozen. Amounts are integer micro-dollars, times Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from bot.requester import Requester

T = TypeVar("T")

Side: TypeAlias = Literal["member", "server"]
How: TypeAlias = Literal["settled", "released", "exposed"]
WindowKind: TypeAlias = Literal["day", "week", "month", "ever"]
Payers: TypeAlias = Literal["everyone", "server"]
Policy: TypeAlias = Literal["charge", "absorb"]
# Who or what the rule is of; `shipped` is a default of Wanda, `member` a rule for this one member.
Setter: TypeAlias = Literal["operator", "shipped", "server", "role", "channel", "member"]
Whose: TypeAlias = Literal["all", "cap", "server", "role", "channel", "member", "grant"]

WINDOW_KINDS: tuple[WindowKind, ...] = ("day", "week", "month", "ever")
EVER_ENDS_AT = 253402300800.0  # the year 10000: no job is counted that late


@dataclass(frozen=True, slots=True)
class Window:
    """The interval of time that a budget covers, from `starts_at` up to but not including `ends_at`."""

    kind: WindowKind
    starts_at: float
    ends_at: float

    def holds(self, at: float) -> bool:
        """Return whether the moment is in the window."""
        return self.starts_at <= at < self.ends_at

    @property
    def renews_at(self) -> float | None:
        """When the next window begins; None if this one never ends."""
        return None if self.kind == "ever" else self.ends_at


@dataclass(frozen=True, slots=True)
class Source:
    """The rule that gives a value: who set it, and its name in a sentence.

    `to_member` is for the member whom the rule concerns ("your own allowance"), `to_others` for everybody else.
    """

    setter: Setter
    to_member: str
    to_others: str

    @classmethod
    def of(cls, setter: Setter, name: str) -> "Source":
        """Return a source with the same name for everybody."""
        return cls(setter, name, name)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a scope may spend in a window, and the rule that says so.

    `scope` comes from `bot.ledger.scopes`: `server:<guild>`, `member:<guild>:<member>`, ….
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
        """Return whose money it is: the member's (allowances, grants) or the server's (everything else)."""
        return "member" if self.scope.startswith(("member:", "grant:")) else "server"

    @property
    def row(self) -> tuple[str, float, float]:
        """Return the key of its row in `budgets`; limits whose windows a reset made equal share a row."""
        return (self.scope, self.window.starts_at, self.window.ends_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """A limit with the amounts held by running jobs and spent."""

    limit: Limit
    held_microusd: int
    spent_microusd: int

    @property
    def used_microusd(self) -> int:
        """Held and spent together."""
        return self.held_microusd + self.spent_microusd

    @property
    def left_microusd(self) -> int:
        """What can still be held; 0 if the cap was lowered, or exceeded by a settlement."""
        return max(0, self.limit.cap_microusd - self.used_microusd)

    def holding(self, amount_microusd: int) -> "Standing":
        """Return a copy with this amount added to what is held."""
        return Standing(self.limit, self.held_microusd + amount_microusd, self.spent_microusd)


@dataclass(frozen=True, slots=True)
class Ruled(Generic[T]):
    """A value, and the rule that gave it."""

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
    """The operator's settings: defaults for servers without rules of their own, and the operator's caps.

    If `allowed_servers` is empty, every server is allowed; None means no cap. `absorbed_daily_microusd` is what a
    server pays at most for one member's failed videos in 24 hours. After `fruitless_max` attempts without a video in an
    hour a member waits `fruitless_wait_s`, and twice as long after each further one.
    """

    member_daily_microusd: int
    server_monthly_microusd: int
    absorbed_daily_microusd: int = 1_000_000
    fruitless_max: int = 3
    fruitless_wait_s: float = 300.0
    server_cap_microusd: int | None = None
    total_cap_microusd: int | None = None
    allowed_servers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A job's member and place, with the member's roles at the time of the command.

    `age_restricted` is the channel's flag; None where it is not known.
    """

    guild_id: int
    channel_id: int
    member_id: int
    role_ids: tuple[int, ...] = ()
    age_restricted: bool | None = None

    @property
    def requester(self) -> Requester:
        """The member in their server, without the channel and the roles."""
        return Requester(self.guild_id, self.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleQuery:
    """The parts of a job that the rules check besides its price; `resolution` is None for a mode without one.

    `videos` is how many equal jobs are checked at once. The price that goes with it is that of all of them. `begun` is
    how many of them begin at once, None for all. `texts` are what the member may have written. `is_share` says that the
    price is only a part of a video's, of which the rules about videos are checked for its maker and as a whole. A
    refusal calls modes by `mode_titles`.
    """

    mode: str
    resolution: str | None = None
    videos: int = 1
    begun: int | None = None
    texts: tuple[str, ...] = ()
    is_share: bool = False
    mode_titles: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A job above this price waits up to `wait_s` for approval by `role_id` or by a member with Manage Server.

    `own` lets them approve their own jobs too.
    """

    above_microusd: int
    role_id: int | None
    wait_s: float
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTerms:
    """What a member's videos may show: see `bot.ledger.content`.

    `prompt_log_id` is the channel where accepted prompts are posted, or None.
    """

    words: tuple[str, ...] = ()
    safety_optional: bool = False
    always_spoiler: bool = False
    age_restricted_only: bool = False
    prompt_log_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Everything the rules say about one member's jobs in one channel at one moment.

    None means no limit. `limits` are sorted by scope and window; `scopes` are all that a job draws on, with or
    without a limit. `blocked` and `paused` hold the admins' reason; `channel_closed` says why no job may start
    in this channel. `erased_id` stands in the books for the member before they deleted their data, if they ever did.
    """

    who: Who
    at: float
    limits: tuple[Limit, ...]
    scopes: tuple[str, ...]
    timezone: Ruled[str]
    policy: Ruled[Policy]
    absorbed_daily_microusd: Ruled[int]
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
    content: ContentTerms = ContentTerms()
    erased_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Money given to a member once, beside the allowance; usable until `expires_at` (None: for ever)."""

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
    """A grant with the amounts held and spent."""

    grant: Grant
    held_microusd: int
    spent_microusd: int

    @property
    def left_microusd(self) -> int:
        """What can still be held."""
        return max(0, self.grant.amount_microusd - self.held_microusd - self.spent_microusd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fruitless:
    """What became of a member's latest attempts without a video in one server.

    The server paid, or may yet pay, `absorbed_microusd` for those of the last 24 hours. `count` is how many fal began
    within the last hour that were cancelled or refused; the latest of them ended at `last_at`.
    """

    absorbed_microusd: int = 0
    count: int = 0
    last_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state that a member's next job is checked against: terms, standings, unexpired grants and open jobs.

    Grants are in the order in which they are used: earliest expiry first. `waits_until` is when the member may order
    again after too many `fruitless` attempts; None is at once.
    """

    terms: Terms
    standings: tuple[Standing, ...]
    grants: tuple[GrantStanding, ...] = ()
    open_jobs: int = 0
    fruitless: Fruitless = Fruitless()
    waits_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a job is paid for: `member_microusd` by the allowance, the rest by grants as (scope, amount).

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
    """The result of a hold. With `repeated` the job had its hold already, and nothing changed."""

    terms: Terms
    standings: tuple[Standing, ...]
    needs_approval: bool
    warnings: tuple[Warned, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class Share:
    """What one member pays of a video that several pay for; `id` is that of its hold.

    `member_id` is 0 for somebody who had their data deleted.
    """

    id: str
    member_id: int
    amount_microusd: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job's hold ended; `exposed` means that it is still open, because fal may yet bill it.

    `member_microusd` is what the member was charged (allowance and grants), `server_microusd` what the server's
    budgets spent; both are 0 unless settled. With `repeated` the hold had already ended this way, and nothing changed.
    `unpaid_microusd` is what was billed above the hold, which no budget pays. Of an exposed hold
    `member_held_microusd` is the member's part that stays held.
    """

    job_id: str
    how: How
    member_microusd: int
    server_microusd: int
    repeated: bool
    unpaid_microusd: int = 0
    member_held_microusd: int = 0

    @property
    def absorbed_microusd(self) -> int:
        """What the server paid and the member did not."""
        return self.server_microusd - self.member_microusd


@dataclass(frozen=True, slots=True)
class Difference:
    """A job that was billed above its hold. `units` are fal's billable units; "" when an operator typed the amount."""

    job_id: str
    guild_id: int
    held_microusd: int
    billed_microusd: int
    units: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One administrative act. `before` and `after` are JSON values; None means "no rule"."""

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
    """One movement of money in one scope; never altered. `declined_by` is the member who declined the job, if any."""

    id: str
    guild_id: int
    job_id: str
    scope: str
    kind: Literal["hold", "settle", "release", "expose", "correct"]
    held_delta_microusd: int
    spent_delta_microusd: int
    counted_at: float
    at: float
    actor: str
    reason: str
    declined_by: int | None = None

    @property
    def why(self) -> str:
        """The reason in full; of a declined job with the decliner's id: "declined by 42"."""
        return self.reason if self.declined_by is None else f"{self.reason} by {self.declined_by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One job in the books: what it held, and what it cost the member and the server.

    `state` is that of the server's draw: held, exposed, settled or released. `mode` and `job_state` come from the job's
    row; `mode` is "" if that was deleted.
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
    """A server's spending and number of jobs for one mode on one day (`2026-11-20`, in its timezone)."""

    day: str
    mode: str
    spent_microusd: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpend:
    """What one member's jobs cost the server, and the number of settled ones."""

    member_id: int
    spent_microusd: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAbsorbed:
    """What the server paid, or may yet pay, for one member's videos that failed, and how many those were."""

    member_id: int
    absorbed_microusd: int
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """One server's totals, each job counted once. `exposed_microusd` is part of `held_microusd`."""

    guild_id: int
    jobs: int
    held_microusd: int
    exposed_microusd: int
    spent_microusd: int
