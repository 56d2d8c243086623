"""The pick of a draft: whose it is, how long it lasts, who wins a vote, and what is to be done next.

A pick is a row from the order of the drafts on. Everything is decided here from that row, the drafts and the votes, so
the same is decided again after a crash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bot.errors import OptionRefused
from bot.jobs.model import FINISHED, Final, Job

PickState: TypeAlias = Literal[
    "drafting",  # the drafts are being made, or wait for approval
    "open",  # its member may pick
    "voting",  # the channel votes, until `until`
    "picked",  # a draft is picked, and its final is not accepted yet
    "made",  # the final is a job
    "over",  # there will be no final, and its price is free again; `why` says why
]
Why: TypeAlias = Literal[
    "no_draft",  # none was made: failed, cancelled or not approved
    "none",  # the member wants none of them
    "late",  # nobody picked in time
    "unmade",  # the picked one could not be begun in time
    "gone",  # the message with the drafts was deleted
    "left",  # its member left the server, or it has no reservation any more
]
Step: TypeAlias = Literal["open", "count", "end", "make", "draw"]
Press: TypeAlias = Literal["pick", "none", "begin_vote", "end_vote"]
PRESSED_IN: Mapping[Press, frozenset[PickState]] = {
    "pick": frozenset({"open"}),
    "none": frozenset({"open", "voting"}),
    "begin_vote": frozenset({"open"}),
    "end_vote": frozenset({"voting"}),
}
OPEN: frozenset[PickState] = frozenset({"open", "voting"})
VOTE_LENGTHS_S = (600, 3600, 6 * 3600, 86_400)  # of which the member chooses one
SPARE_S = 6 * 3600.0  # in which Wanda may be down, and then ends the pick as if she had not been
DRAFTS_LOOK_S = 60.0  # how often drafts are looked at whose end was not heard of

GONE = "This choice is over. Order the drafts again if you still want one of them."
NOT_A_DRAFT = "That draft isn't there. Choose one of the others."
NO_VOTE = "The vote is over. The card says how it went."
IS_VOTING = "The channel is voting. Vote too, or end the vote first."
BEING_MADE = "A draft is picked already, and its video is on its way."
VOTED_ONCE = "The channel has voted on these drafts already. Now it's yours to pick."
NOT_READY = "The drafts aren't all made yet. Wait a moment, and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One pick among the drafts of set `set_id`, and what becomes of it; times are Unix seconds.

    `final_id` is the id that the final has or will have, `formula` and `prices_version` belong to its price. `until` is
    when it ends by itself: of a vote its deadline, of an open pick the time when the price is free again, of a picked
    one when it is given up. `number` is the picked draft's and `votes` what each draft got, by number. `version` counts
    the changes that the card is to show, `shown` is the one that it shows, since `shown_at`. `is_refused` says that the
    final could not be begun as things stood, so that its member has to look.
    """

    set_id: str
    final_id: str
    guild_id: int
    member_id: int
    final: Final
    formula: str
    prices_version: str
    ordered_at: float
    state: PickState = "drafting"
    until: float | None = None
    has_voted: bool = False
    number: int | None = None
    votes: Mapping[int, int] | None = None
    why: Why | None = None
    version: int = 0
    shown: int = 0
    shown_at: float = 0.0
    tries: int = 0
    is_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PickBounds:
    """How long a pick stays open, how long a picked one may wait for a place, and how often its card is drawn.

    After each try to begin the final the wait doubles, from `retry_s` on. A card older than `old_s` is drawn only every
    `draw_old_s` seconds, because Discord limits edits of old messages.
    """

    open_s: float
    make_s: float
    draw_s: float
    draw_old_s: float
    old_s: float
    retry_s: float
    voters_max: int


def ready_numbers(drafts: Sequence[Job]) -> tuple[int, ...]:
    """Return the numbers of the drafts that are made, in order."""
    return tuple(sorted(job.variation.number for job in drafts if job.state == "done" and job.variation is not None))


def are_made(drafts: Sequence[Job]) -> bool:
    """Return whether nothing more comes of the drafts."""
    return all(job.state in FINISHED for job in drafts)


def is_open(pick: Pick, drafts: Sequence[Job]) -> bool:
    """Return whether a draft can be picked or voted for: the row may not say it yet when the last draft is made."""
    return pick.state in OPEN or (pick.state == "drafting" and are_made(drafts) and bool(ready_numbers(drafts)))


def winner(ready: Sequence[int], votes: Mapping[int, int], own: int | None) -> int | None:
    """Return the draft with the most votes; of equal ones the maker's `own`, else the first. None without votes."""
    most = max((votes.get(number, 0) for number in ready), default=0)
    if not most:
        return None
    best = [number for number in ready if votes.get(number, 0) == most]
    return own if own in best else min(best)


def next_step(pick: Pick, drafts: Sequence[Job], *, now: float, bounds: PickBounds) -> Step | None:
    """Return what is to be done now, None for nothing."""
    is_due = pick.until is not None and now >= pick.until
    match pick.state:
        case "drafting" if are_made(drafts):
            return "open" if ready_numbers(drafts) else "end"
        case "voting" if is_due:
            return "count"
        case "open" if is_due:
            return "end"
        case "picked":
            return "end" if is_due else "make"
        case _:
            return "draw" if now >= draws_at(pick, bounds, now=now) else None


def draws_at(pick: Pick, bounds: PickBounds, *, now: float) -> float:
    """Return when the card is to be drawn next; infinity if it shows everything."""
    if pick.shown >= pick.version:
        return float("inf")
    is_old = now - pick.ordered_at > bounds.old_s
    return pick.shown_at + (bounds.draw_old_s if is_old else bounds.draw_s)


def looks_at(pick: Pick, bounds: PickBounds, *, now: float) -> float | None:
    """Return when the pick is to be looked at again; None if nothing more becomes of it."""
    draws = draws_at(pick, bounds, now=now)
    match pick.state:
        case "drafting":
            return now + DRAFTS_LOOK_S
        case "picked":
            return now + bounds.retry_s * 2 ** min(pick.tries, 6)
        case "open" | "voting":
            return min(draws, pick.until or now)
        case _:
            return None if draws == float("inf") else draws


def opened(pick: Pick, *, now: float, bounds: PickBounds) -> Pick:
    """Return the pick once its member may pick, for `open_s` seconds."""
    return _changed(pick, state="open", until=now + bounds.open_s)


def ended(pick: Pick, why: Why) -> Pick:
    """Return the pick that comes to nothing."""
    return _changed(pick, state="over", why=why, until=None)


def why_ended(pick: Pick) -> Why:
    """Return why a pick ends whose time is over, or none of whose drafts was made."""
    return "no_draft" if pick.state == "drafting" else "unmade" if pick.state == "picked" else "late"


def picked(pick: Pick, number: int, *, now: float, bounds: PickBounds) -> Pick:
    """Return the pick with the draft that its member or the vote chose."""
    until = now + bounds.make_s
    return _changed(pick, state="picked", number=number, until=until, tries=0, is_refused=False)


def counted(
    pick: Pick, drafts: Sequence[Job], votes: Mapping[int, int], own: int | None, *, now: float, bounds: PickBounds
) -> Pick:
    """Return the pick after the vote: the winner is picked, or, without a vote, its member may pick."""
    best = winner(ready_numbers(drafts), votes, own)
    if best is None:
        return replace(opened(pick, now=now, bounds=bounds), votes={})
    return replace(picked(pick, best, now=now, bounds=bounds), votes=dict(votes))


def voting(pick: Pick, seconds: int, *, now: float) -> Pick:
    """Return the pick while the channel votes.

    Raises:
        OptionRefused: it has voted already, or this is no length of a vote.
    """
    if pick.has_voted:
        raise OptionRefused(VOTED_ONCE)
    if seconds not in VOTE_LENGTHS_S:
        raise OptionRefused("Choose how long the channel votes.")
    return _changed(pick, state="voting", has_voted=True, until=now + seconds, is_refused=False)


def refused(pick: Pick, *, now: float, bounds: PickBounds) -> Pick:
    """Return the pick of a draft whose final may not be begun as things stand: its member may pick again."""
    return replace(opened(pick, now=now, bounds=bounds), number=None, is_refused=True)


def counts_anew(pick: Pick) -> Pick:
    """Return the pick after a vote, so that its card counts anew."""
    return _changed(pick)


def tried(pick: Pick) -> Pick:
    """Return the picked one after a try to begin its final that failed for now."""
    return replace(pick, tries=pick.tries + 1)


def made(pick: Pick) -> Pick:
    """Return the pick once its final is a job."""
    return _changed(pick, state="made", until=None)


def shown(pick: Pick, version: int, *, now: float) -> Pick:
    """Return the pick whose card shows this version, or does not take it."""
    return replace(pick, shown=max(pick.shown, version), shown_at=now)


def reserved_until(pick: Pick) -> float | None:
    """Return until when the final's price stays reserved: a while longer than the pick, which releases it itself.

    After a vote without votes its member may still pick, so the price outlasts the vote.
    """
    return None if pick.until is None or pick.state in {"drafting", "over", "made"} else pick.until + SPARE_S


NEVER_SHOWN = 1 << 62  # the version that a card shows which is deleted


def outcome(pick: Pick) -> str | None:
    """Return how a pick was decided: by its "maker" or a "vote", or why it came to nothing; None before that."""
    match pick.state:
        case "picked" | "made":
            return "vote" if pick.votes else "maker"
        case "over":
            return pick.why
        case _:
            return None


def check_press(pick: Pick, what: Press) -> None:
    """Check that the pick is in a state for this press; raises OptionRefused."""
    if pick.state in PRESSED_IN[what]:
        return
    match pick.state:
        case "drafting":
            raise OptionRefused(NOT_READY)
        case "voting":
            raise OptionRefused(IS_VOTING)
        case "picked" | "made":
            raise OptionRefused(BEING_MADE)
        case "over":
            raise OptionRefused(GONE)
        case "open":
            raise OptionRefused(NO_VOTE)


def not_yours(member_id: int, what: Press) -> str:
    """Return the answer to somebody else's press."""
    match what:
        case "pick" | "begin_vote":
            can = "pick. They can let the channel vote."
        case "end_vote":
            can = "end the vote. Vote for the draft that you like best."
        case "none":
            can = "turn them all down."
    return f"These drafts are <@{member_id}>'s, so only they can {can}"


def too_many_votes(most: int) -> str:
    """Return the answer to a vote too many."""
    return f"{most:,} members have voted, the most that are counted. The card says who is ahead."


def check_number(number: int, drafts: Sequence[Job]) -> None:
    """Check that this draft is made; raises OptionRefused."""
    if number not in ready_numbers(drafts):
        raise OptionRefused(NOT_A_DRAFT)


def _changed(pick: Pick, **changes: object) -> Pick:
    return replace(pick, **{**changes, "version": pick.version + 1})  # pyright: ignore[reportArgumentType]
