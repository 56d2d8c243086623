"""Chip-ins: orders that wait until several members pay for them together.

What each member adds is a *share*: a reservation under an id of its own, on that member's own budgets, all in one
group. The maker's is the one under the id of the job to come. When they sum up to the price, the transaction that
places the last one makes the job of them. Until then all of them are given back in one transaction when the time is
over, when the maker cancels or has their data deleted, or when Wanda is removed. A row says all of that, so running
and recovery are one path: the loop looks for rows that are over, full, or not shown yet.

Whoever adds a share pays and makes nothing. So of the rules those hold for them that say who may use Wanda there
(blocked, paused, closed channels, servers that are off) and their budgets; what may be made, and how many at once, is
asked of the maker, at the whole price, when the chip-in begins and again when it is full.

A film is chipped in for as a whole: its shares are divided over its shots when it begins (`bot.films.chipping_in`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.errors import AlreadyRunning, Busy, Closed, NotAllowed, OptionRefused
from bot.jobs import acceptance
from bot.jobs.model import Address, Job
from bot.jobs.places import Places, bytes_of, check_files, waiting_files
from bot.jobs.removals import note_removal
from bot.jobs.rule_query import who_of
from bot.ledger import holds, reservations, tables
from bot.ledger.decision import refuse_if_pools_short
from bot.ledger.model import RuleQuery, Share, Shipped, Who
from bot.ledger.reservations import Wish
from bot.money import exact_dollars
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Lock, Many, One, Row, Transaction
from bot.units import counted

T = TypeVar("T")
FOUND_MAX = 100  # in one search; the next one goes on after them
# A backstop: the sweep of reservations gives a share back that no chip-in has ended by then.
_GRACE_S = 86_400.0
ChipInState: TypeAlias = Literal[
    "open",  # something is missing
    "full",  # nothing is missing, but it cannot begin yet
    "over",  # everything was given back; the card does not say so yet
]
Obstacle: TypeAlias = Literal[
    "",
    "off",  # its mode is, as while fal's account is locked
    "place",
    "rule",
    "files",  # its files cannot be had now
    "gone",  # what it is made of is gone or has changed
]
Over: TypeAlias = Literal[
    "late",
    "cancelled",
    "deleted",  # its maker's data was
    "gone",  # its card is, so nobody could add to it, take back or cancel
]
_REASONS: dict[Over, str] = {
    "late": "not enough was added in time",
    "cancelled": "its maker cancelled it",
    "deleted": "its maker's data was deleted",
    "gone": "its message was deleted",
}
_COLUMNS = "guild_id, member_id, state, quote_microusd, input_bytes, expires_at, stale_at, body"
_ADD = f"INSERT INTO chip_ins (id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608 - constants of this module
_STORE = """
UPDATE chip_ins SET member_id = $2, state = $3, input_bytes = $4, stale_at = $5, tries = 0, body = $6 WHERE id = $1"""
_OPEN = """
SELECT COUNT(*) AS in_server, COALESCE(SUM(CASE WHEN member_id = $2 THEN 1 ELSE 0 END), 0) AS of_member
FROM chip_ins WHERE guild_id = $1 AND state <> 'over'"""
_DUE = """
SELECT id, guild_id, expires_at FROM chip_ins WHERE state <> 'over'
AND (expires_at <= $1 OR state = 'full' OR guild_id IN (SELECT guild_id FROM leaving))
AND (expires_at > $2 OR expires_at = $2 AND id > $3) AND {mine}
ORDER BY expires_at, id LIMIT $4"""
_STALE = "SELECT id, guild_id FROM chip_ins WHERE stale_at <= $1 AND {mine} ORDER BY stale_at LIMIT $2"
GONE = "This one is over: it was paid for, cancelled, or its time ran out. You weren't charged."
FULL = "It's all paid for already. You weren't charged."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipIn:
    """An order of `job`, which is made once its shares sum up to its price, at the latest at `expires_at`.

    `job` is None once its maker had their data deleted. Of a film it is the first shot without its files, which says
    who orders it and where; `film` is the film as JSON, and `film_microusd` its price. `address` is the card's message.
    `shares` are what was added and not taken back; of one that is over, what was given back. `over` is why it is over.
    `obstacle` is why a full one does not begin yet, "" if it does.
    """

    id: str
    guild_id: int
    address: Address
    expires_at: float
    job: Job | None
    state: ChipInState = "open"
    shares: tuple[Share, ...] = ()
    over: Over | None = None
    obstacle: Obstacle = ""
    film: str | None = None
    film_microusd: int = 0

    @property
    def quote_microusd(self) -> int:
        """The price."""
        if self.job is None:
            return 0
        return self.job.quote_microusd if self.film is None else self.film_microusd

    @property
    def missing_microusd(self) -> int:
        """What is still to be added."""
        return max(0, self.quote_microusd - sum(one.amount_microusd for one in self.shares))

    def of_member(self, member_id: int) -> int:
        """Return what this member added."""
        return sum(one.amount_microusd for one in self.shares if one.member_id == member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipInBounds:
    """How many chip-ins a member and a server may have open, for how long, and who may add how much how often."""

    of_member_max: int
    in_server_max: int
    life_s: float
    shares_max: int
    shares_of_member_max: int
    least_microusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A chip-in after a share was added, `share_microusd`, and the job if it began with that."""

    chip_in: ChipIn
    share_microusd: int
    job: Job | None
    has_warnings: bool


class Due(NamedTuple):
    """A chip-in that is full, or to be ended."""

    id: str
    guild_id: int
    expires_at: float


FIRST = Due("", 0, 0.0)  # before every other one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides about a chip-in at one moment.

    These are the bounds, the operator's limits, the places of jobs, and how many other jobs this process makes.
    `check_open` raises `Closed` for a mode that is off.
    """

    bounds: ChipInBounds
    shipped: Shipped
    places: Places
    now: float
    running: int = 0
    check_open: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrder:
    """What is ordered with a film's first shot: the film as JSON, and what its later shots cost.

    The maker's share has an id of its own, because it is for all shots.
    """

    id: str
    body: str
    reserve: tuple[Wish, ...]
    share_id: str


def start(job: Job, own_microusd: int, rules: Rules, *, film: FilmOrder | None = None) -> Transaction[Added]:
    """Begin to collect for the job, or for a film that begins with it, with the maker's own share.

    That is cut to the price; 0 is none.

    Raises:
        NotAllowed: a rule forbids the job, at its whole price, or a later shot.
        QuotaExceeded: the maker's budgets cannot carry their share, or the server's not the whole price.
        Busy: the maker or the server has as many chip-ins or waiting files as they may.
        AlreadyRunning: it is a rerun that is being made already.
    """
    job = yield from acceptance.with_parent(job)
    yield from _lock(job.guild_id, rules)
    yield from _check_room(job, rules, has_files=film is None)
    who, later = who_of(job), () if film is None else film.reserve
    view = yield from holds.standing(who, at=rules.now, shipped=rules.shipped)
    acceptance.refuse_order_if_not_allowed(view, job, later)
    quote_microusd = job.quote_microusd + sum(wish.amount_microusd for wish in later)
    refuse_if_pools_short(view, amount_microusd=quote_microusd)
    chip_in = ChipIn(
        id=job.id if film is None else film.id,
        guild_id=job.guild_id,
        address=job.address,
        expires_at=rules.now + rules.bounds.life_s,
        job=job,
        film=None if film is None else film.body,
        film_microusd=0 if film is None else quote_microusd,
    )
    yield One(_ADD, (chip_in.id, *_values(chip_in, rules.now)))
    share_id = job.id if film is None else film.share_id
    return (yield from _with_share(chip_in, share_id, who, min(own_microusd, quote_microusd), rules))


def add(chip_in_id: str, share_id: str, who: Who, amount_microusd: int, rules: Rules) -> Transaction[Added]:
    """Add a share of a member, which is cut to what is missing; with the last one the job begins, if it can.

    A share that was added before changes nothing.

    Raises:
        OptionRefused: the chip-in is over or full, or the amount is too small.
        Busy: there are as many shares as there may be.
        NotAllowed: the member may not use Wanda there.
        QuotaExceeded: their budgets cannot carry it.
    """
    chip_in = yield from _locked(chip_in_id, rules)
    if chip_in is None or chip_in.job is None or chip_in.guild_id != who.guild_id or rules.now >= chip_in.expires_at:
        raise OptionRefused(GONE)
    if chip_in.state == "over":
        raise OptionRefused(GONE)
    if any(one.id == share_id for one in chip_in.shares):
        return Added(chip_in=chip_in, share_microusd=amount_microusd, job=None, has_warnings=False)
    missing = chip_in.missing_microusd
    if not missing:
        raise OptionRefused(FULL)
    amount = min(amount_microusd, missing)
    least = min(rules.bounds.least_microusd, missing)
    if amount < least:
        raise OptionRefused(f"Add at least {exact_dollars(least)}; {exact_dollars(missing)} is missing.")
    _check_shares(chip_in, who.member_id, rules.bounds)
    payer = replace(who, channel_id=who_of(chip_in.job).channel_id)
    return (yield from _with_share(chip_in, share_id, payer, amount, rules))


def begin_full(chip_in_id: str, rules: Rules) -> Transaction[Job | None]:
    """Begin a full chip-in of a job whose time is not over, if it can now; returns its job, or None."""
    chip_in = yield from locked_full(chip_in_id, rules)
    return None if chip_in is None or chip_in.film is not None else (yield from _begun(chip_in, rules))


def locked_full(chip_in_id: str, rules: Rules) -> Transaction[ChipIn | None]:
    """Lock the server of a full chip-in whose time is not over, and return it; None of any other."""
    chip_in = yield from _locked(chip_in_id, rules)
    if chip_in is None or chip_in.state != "full" or chip_in.missing_microusd or rules.now >= chip_in.expires_at:
        return None
    return chip_in


def is_known(chip_in_id: str) -> Transaction[bool]:
    """Return whether there is such a chip-in, or one that is over and whose card does not say so yet."""
    return (yield One("SELECT id FROM chip_ins WHERE id = $1", (chip_in_id,))) is not None


def is_collecting(chip_in_id: str) -> Transaction[bool]:
    """Return whether there is such a chip-in that is not over."""
    return (yield One("SELECT id FROM chip_ins WHERE id = $1 AND state <> 'over'", (chip_in_id,))) is not None


def forget_begun(chip_in_id: str) -> Transaction[None]:
    """Delete the chip-in in the transaction that makes what was ordered."""
    yield One("DELETE FROM chip_ins WHERE id = $1", (chip_in_id,))


def take_back(chip_in_id: str, member_id: int, *, now: float) -> Transaction[int]:
    """Give a member back what they added; returns how much that was.

    Raises:
        OptionRefused: the chip-in is over or full, it is the maker's, who cancels it instead, or they added nothing.
    """
    chip_in = yield from _locked(chip_in_id)
    if chip_in is None or chip_in.job is None or chip_in.state == "over":
        raise OptionRefused(GONE)
    if chip_in.job.member_id == member_id:
        raise OptionRefused("It's your own video: press Cancel, and everybody gets their money back.")
    if chip_in.state == "full":
        raise OptionRefused("It's all paid for and about to begin, so it's too late to take yours back.")
    mine = [one for one in chip_in.shares if one.member_id == member_id]
    if not mine:
        raise OptionRefused("You haven't added anything here, so there's nothing to take back.")
    yield from _give_back(chip_in, mine, now)
    return sum(one.amount_microusd for one in mine)


def cancel(chip_in_id: str, member_id: int, *, now: float) -> Transaction[ChipIn]:
    """End the maker's chip-in and give everything back.

    Raises:
        OptionRefused: it is over, or another member's.
    """
    chip_in = yield from _locked(chip_in_id)
    if chip_in is None or chip_in.job is None or chip_in.state == "over":
        raise OptionRefused(GONE)
    if chip_in.job.member_id != member_id:
        raise OptionRefused(f"Only <@{chip_in.job.member_id}> can cancel this. You can take back what you added.")
    return (yield from _end(chip_in, "cancelled", now))


def end_late(chip_in_id: str, *, now: float) -> Transaction[bool]:
    """End a chip-in whose time is over, or whose server removed Wanda; returns whether it was ended by this."""
    chip_in = yield from _locked(chip_in_id)
    if chip_in is None:
        return (yield from _end_unreadable(chip_in_id, now))
    if chip_in.state == "over":
        return False
    left = yield One("SELECT guild_id FROM leaving WHERE guild_id = $1", (chip_in.guild_id,))
    if left is None and now < chip_in.expires_at:
        return False
    yield from _end(chip_in, "late", now)
    return True


def end_without_card(chip_in_id: str, message_id: int, *, now: float) -> Transaction[bool]:
    """End a chip-in whose card, this message, is gone; returns whether it was ended by this."""
    chip_in = yield from _locked(chip_in_id)
    if chip_in is None or chip_in.state == "over" or chip_in.address.message_id != message_id:
        return False
    yield from _end(chip_in, "gone", now)
    return True


def undo(chip_in_id: str, share_id: str, *, is_first: bool, now: float) -> Transaction[bool]:
    """Give back a share whose member read that nothing was held; returns whether it was there.

    With the first one, its maker's, the chip-in ends. A share of what has begun stays: others paid for that too.
    """
    chip_in = yield from _locked(chip_in_id)
    shares = () if chip_in is None else tuple(one for one in chip_in.shares if one.id == share_id)
    if chip_in is None or chip_in.state == "over" or not shares:
        return False
    if is_first:
        yield from _end(chip_in, "cancelled", now)
    else:
        yield from _give_back(chip_in, shares, now)
    return True


def note_obstacle(chip_in_id: str, obstacle: Obstacle, *, now: float) -> Transaction[None]:
    """Note what keeps a full chip-in from beginning, for its card; does nothing to any other."""
    chip_in = yield from _locked(chip_in_id)
    if chip_in is not None and chip_in.state == "full":
        yield from store_full(chip_in, obstacle, now)


def is_card(message_id: int, guild_id: int) -> Transaction[bool]:
    """Return whether the message is the card of one of the server's chip-ins."""
    row = yield One(
        "SELECT id FROM chip_ins WHERE guild_id = $1 AND body LIKE $2", (guild_id, f'%"message_id":{message_id},%')
    )
    return row is not None


def chip_in_of(chip_in_id: str) -> Transaction[ChipIn | None]:
    """Return the chip-in with its shares; None if there is none, or its row cannot be read."""
    row: Row | None = yield One("SELECT body FROM chip_ins WHERE id = $1", (chip_in_id,))
    return None if row is None else (yield from _read(row))


def due_chip_ins(shards: Shards = EVERY_SHARD, *, now: float, after: Due = FIRST) -> Transaction[tuple[Due, ...]]:
    """Return a page of the chip-ins that are full, or to be ended: those that expire after this one."""
    rows: list[Row] = yield Many(_DUE.format(mine=shards.where()), (now, after.expires_at, after.id, FOUND_MAX))
    return tuple(Due(row["id"], row["guild_id"], row["expires_at"]) for row in rows)


def stale_chip_ins(shards: Shards = EVERY_SHARD, *, now: float) -> Transaction[tuple[tuple[str, int], ...]]:
    """Return id and server of chip-ins whose card does not show how they stand."""
    rows: list[Row] = yield Many(_STALE.format(mine=shards.where()), (now, FOUND_MAX))
    return tuple((row["id"], row["guild_id"]) for row in rows)


def showing(chip_in_id: str, *, now: float, wait_s: float, tries_max: int) -> Transaction[ChipIn | None]:
    """Note that a try to show the chip-in begins, and return it; None if there is nothing to show.

    The next try is due if this one does not end. After `tries_max` of them the card is left as it is.
    """
    row: Row | None = yield One(
        "UPDATE chip_ins SET tries = tries + 1 WHERE id = $1 AND stale_at IS NOT NULL RETURNING tries, body",
        (chip_in_id,),
    )
    if row is None:
        return None
    chip_in = yield from _read(row)
    if chip_in is None or row["tries"] > tries_max:
        yield from shown(chip_in_id, is_over=chip_in is None or chip_in.state == "over")
        return None
    yield One("UPDATE chip_ins SET stale_at = $2 WHERE id = $1", (chip_in_id, now + wait_s * 2 ** (row["tries"] - 1)))
    return chip_in


def shown(chip_in_id: str, *, is_over: bool, seen: ChipIn | None = None) -> Transaction[None]:
    """Note that the card shows the chip-in as it was `seen`; one that is over is forgotten with that."""
    if is_over:
        yield One("DELETE FROM chip_ins WHERE id = $1 AND state = 'over'", (chip_in_id,))
        return
    row: Row | None = yield One("UPDATE chip_ins SET tries = tries WHERE id = $1 RETURNING body", (chip_in_id,))
    now = None if row is None else (yield from _read(row))
    if seen is None or now == seen:  # else it has changed meanwhile, and is shown again
        yield One("UPDATE chip_ins SET stale_at = NULL, tries = 0 WHERE id = $1", (chip_in_id,))


def forget_chip_ins_of(member_id: int, *, at: float) -> Transaction[None]:
    """Give back what the member added to others' chip-ins, and all of their own chip-ins; forget who they are there."""
    of_theirs = "SELECT id, body FROM chip_ins WHERE member_id = $1 OR (state = 'over' AND body LIKE $2) "
    added = (
        "OR id IN (SELECT group_id FROM reservations WHERE member_id = $1 AND purpose = 'share') ORDER BY guild_id, id"
    )
    rows: list[Row] = yield Many(of_theirs + added, (member_id, f"%{member_id}%"))
    for row in rows:
        yield from tables.lock_of_job(row["id"])
        chip_in = yield from chip_in_of(row["id"])
        if chip_in is None:
            continue
        if chip_in.job is not None and chip_in.job.member_id == member_id:
            ended = chip_in if chip_in.state == "over" else (yield from _end(chip_in, "deleted", at))
            others = tuple(one for one in ended.shares if one.member_id != member_id)
            yield from _store(replace(ended, job=None, film=None, shares=others), at)
        elif chip_in.state == "over":
            yield from _store(_without(chip_in, member_id), at)
        else:
            yield from _give_back(chip_in, [one for one in chip_in.shares if one.member_id == member_id], at)


def forget_chip_ins_in(guild_id: int) -> Transaction[None]:
    """Delete a server's chip-ins, with a note to remove their files; their shares are released with the server's."""
    rows: list[Row] = yield Many("DELETE FROM chip_ins WHERE guild_id = $1 RETURNING id", (guild_id,))
    for row in rows:
        yield from note_removal(row["id"])


def chip_ins_of_member(member_id: int, *, limit: int) -> Transaction[tuple[Job, ...]]:
    """Return what the member orders in chip-ins that are not over, for their export."""
    rows: list[Row] = yield Many(
        "SELECT body FROM chip_ins WHERE member_id = $1 AND state <> 'over' ORDER BY id LIMIT $2", (member_id, limit)
    )
    found = [_body(row) for row in rows]
    return tuple(one.job for one in found if one is not None and one.job is not None)


def _check_room(job: Job, rules: Rules, *, has_files: bool) -> Transaction[None]:
    """Check that the member and the server may have one more chip-in, and its files if it `has_files` of its own."""
    opened = yield One(_OPEN, (job.guild_id, job.member_id))
    bounds = rules.bounds
    if opened["of_member"] >= bounds.of_member_max:
        raise Busy(
            f"You have {counted(opened['of_member'], 'video')} that others can chip in for, and "
            f"{bounds.of_member_max:,} at once is the most. Wait until one is paid for, or cancel one."
        )
    if opened["in_server"] >= bounds.in_server_max:
        raise Busy(
            f"This server has {counted(opened['in_server'], 'video')} to chip in for, and {bounds.in_server_max:,} "
            "at once is the most. You weren't charged; try again later."
        )
    if not has_files:
        return
    waiting = yield from waiting_files(job.guild_id, job.member_id)
    check_files(bytes_of(job.inputs), waiting, rules.places.files)


def _check_shares(chip_in: ChipIn, member_id: int, bounds: ChipInBounds) -> None:
    own = sum(one.member_id == member_id for one in chip_in.shares)
    if own >= bounds.shares_of_member_max:
        raise Busy(
            f"You've added to this {own} times, the most for one member. Take yours back to add another amount at once."
        )
    if len(chip_in.shares) >= bounds.shares_max:
        raise Busy(
            f"{len(chip_in.shares)} amounts were added to this, the most there can be. You weren't charged; its maker "
            "can cancel it and start anew."
        )


def _with_share(chip_in: ChipIn, share_id: str, who: Who, amount_microusd: int, rules: Rules) -> Transaction[Added]:
    """Reserve the share, and begin the job if it was the last one."""
    job = chip_in.job
    if job is None:
        raise OptionRefused(GONE)
    wish = Wish(
        job_id=share_id,
        group_id=chip_in.id,
        purpose="share",
        who=who,
        query=RuleQuery(mode=job.mode, is_share=True),
        amount_microusd=amount_microusd,
        reason=f"a share of {job.mode}: {job.formula}" if chip_in.film is None else "a share of a film",
        expires_at=chip_in.expires_at + _GRACE_S,
    )
    held = yield from reservations.reserve(wish, at=rules.now, shipped=rules.shipped)
    added = replace(chip_in, shares=(*chip_in.shares, Share(share_id, who.member_id, amount_microusd)))
    made = None
    if added.missing_microusd:
        yield from _store(added, rules.now)
    elif added.film is not None:  # its first shot's files are made ready first
        yield from store_full(added, "", rules.now)
    else:
        made = yield from _begun(added, rules)
    return Added(chip_in=added, share_microusd=amount_microusd, job=made, has_warnings=bool(held.warnings))


def _begun(chip_in: ChipIn, rules: Rules) -> Transaction[Job | None]:
    """Make the job of a full chip-in; None if it cannot begin yet, and stays full.

    What can keep it from that is checked before anything is changed.
    """
    job = chip_in.job
    if job is None:
        return None
    now = rules.now
    card = replace(job.address, posted_at=now)  # it is edited however old the message is
    job = replace(job, created_at=now, updated_at=now, address=card, shares=chip_in.shares)
    accepting = acceptance.accept_shared(job, rules.shipped, rules.places, now=now, running=rules.running)
    stored = yield from unless_kept(chip_in, accepting, rules, modes=(job.mode,))
    if stored is None:
        return None
    for one in chip_in.shares:
        yield from reservations.use(one.id)
    yield from forget_begun(chip_in.id)
    return stored


def unless_kept(
    chip_in: ChipIn, checking: Transaction[T], rules: Rules, *, modes: Iterable[str]
) -> Transaction[T | None]:
    """Return what the checks of a full chip-in come to; None if they, or a mode that is off, keep it from beginning.

    Which it is is noted, for its card.
    """
    try:
        for mode in modes:
            rules.check_open(mode)
        return (yield from checking)
    except Closed:
        obstacle: Obstacle = "off"
    except (Busy, AlreadyRunning):
        obstacle = "place"
    except NotAllowed:
        obstacle = "rule"
    yield from store_full(chip_in, obstacle, rules.now)
    return None


def store_full(chip_in: ChipIn, obstacle: Obstacle, now: float) -> Transaction[None]:
    """Note that nothing is missing, and what keeps the order from beginning; "" if nothing does."""
    if (chip_in.state, chip_in.obstacle) != ("full", obstacle):  # else the card says so already
        yield from _store(replace(chip_in, state="full", obstacle=obstacle), now)


def _give_back(chip_in: ChipIn, shares: Iterable[Share], now: float) -> Transaction[None]:
    """Release some shares; the others stay."""
    gone = {one.id for one in shares}
    for share_id in sorted(gone):
        yield from reservations.release(share_id, at=now, reason="the share was taken back")
    left = tuple(one for one in chip_in.shares if one.id not in gone)
    yield from _store(replace(chip_in, state="open", obstacle="", shares=left), now)


def _end(chip_in: ChipIn, over: Over, now: float) -> Transaction[ChipIn]:
    """Give everything back, and have the files removed; those of a film are its draft's, which stays."""
    yield from reservations.release_group(chip_in.id, at=now, reason=_REASONS[over])
    if chip_in.film is None:
        yield from note_removal(chip_in.id)
    ended = replace(chip_in, state="over", over=over, obstacle="")
    yield from _store(ended, now)
    return ended


def _end_unreadable(chip_in_id: str, now: float) -> Transaction[bool]:
    """Give everything back of a chip-in whose row cannot be read, and forget it; False if there is none."""
    row = yield One("DELETE FROM chip_ins WHERE id = $1 RETURNING id", (chip_in_id,))
    if row is None:
        return False
    yield from reservations.release_group(chip_in_id, at=now, reason="its row could not be read")
    if (yield One("SELECT id FROM film_drafts WHERE id = $1", (chip_in_id,))) is None:
        yield from note_removal(chip_in_id)
    return True


def _without(chip_in: ChipIn, member_id: int) -> ChipIn:
    return replace(chip_in, shares=tuple(one for one in chip_in.shares if one.member_id != member_id))


def _lock(guild_id: int, rules: Rules | None) -> Transaction[None]:
    everything = rules is not None and rules.shipped.total_cap_microusd is not None
    yield from tables.lock(guild_id, everything=everything)


def _locked(chip_in_id: str, rules: Rules | None = None) -> Transaction[ChipIn | None]:
    """Lock the chip-in's server, before it the job that it is a rerun of, and return it as it stands then."""
    row: Row | None = yield One("SELECT guild_id, body FROM chip_ins WHERE id = $1", (chip_in_id,))
    if row is None:
        return None
    known = _body(row)
    if rules is not None and known is not None and known.job is not None and known.job.parent_id is not None:
        yield Lock(acceptance.LOCK_PARENT, (known.job.parent_id,))
    yield from _lock(row["guild_id"], rules)
    return (yield from chip_in_of(chip_in_id))


def _store(chip_in: ChipIn, now: float) -> Transaction[None]:
    """Store the chip-in, whose card is then to be drawn again."""
    _, member_id, state, _, input_bytes, _, stale_at, body = _values(chip_in, now)
    yield One(_STORE, (chip_in.id, member_id, state, input_bytes, stale_at, body))


def _values(chip_in: ChipIn, now: float) -> tuple[object, ...]:
    """Return the values of `_COLUMNS`. The shares of one that is not over are the reservations."""
    job = chip_in.job
    kept = chip_in if chip_in.state == "over" else replace(chip_in, shares=())
    return (
        chip_in.guild_id,
        0 if job is None else job.member_id,
        chip_in.state,
        chip_in.quote_microusd,
        0 if job is None or chip_in.state == "over" else bytes_of(job.inputs),  # none of a film: its draft has them
        chip_in.expires_at,
        now,
        _CHIP_IN.dump_json(kept).decode(),
    )


def _read(row: Row) -> Transaction[ChipIn | None]:
    chip_in = _body(row)
    if chip_in is None or chip_in.state == "over":
        return chip_in
    reserved = yield from reservations.reserved_for(chip_in.id)
    shares = tuple(Share(one.job_id, one.member_id, one.amount_microusd) for one in reserved)
    return replace(chip_in, shares=shares)


def _body(row: Row) -> ChipIn | None:
    """Return what the row says without its shares; None for a document that this version cannot read."""
    try:
        return _CHIP_IN.validate_json(row["body"])
    except ValidationError:
        return None


_CHIP_IN = TypeAdapter(ChipIn)
