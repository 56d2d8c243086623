"""What the message of several drafts says of the pick among them, and its buttons.

The same drafts, pick and votes always give the same words, so an edit that is repeated after a crash changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.jobs.model import Final, Job, card_url
from bot.jobs.picks import VOTE_LENGTHS_S, Pick, Why, are_made, is_open, ready_numbers
from bot.money import dollars
from bot.texts.button_ids import pick_button_id, vote_select_id
from bot.texts.card import Button, Choice, Select
from bot.texts.plain import span
from bot.units import counted

LET_VOTE = "Or let the channel vote for…"
_WHY: Mapping[Why, str] = {
    "no_draft": "There's no draft to pick, so the final isn't made.",
    "none": "None of the drafts was picked, so the final isn't made.",
    "late": "Nobody picked in time, so the final isn't made.",
    "unmade": "Wanda couldn't begin the final in time, so it isn't made.",
    "gone": "The drafts were deleted, so the final isn't made.",
    "left": "Their maker has left, so the final isn't made.",
}
_NOT_CHARGED = "You weren't charged for it."


@dataclass(frozen=True, slots=True)
class Picking:
    """A pick with the votes that were given so far, by number, and the final once it is a job."""

    pick: Pick
    votes: Mapping[int, int] = field(default_factory=dict[int, int])
    final: Job | None = None


def final_of(jobs: Sequence[Job]) -> Final | None:
    """Return what the picked one becomes if these are drafts, else None."""
    place = jobs[0].variation
    return None if place is None else place.final


def remark(jobs: Sequence[Job]) -> str:
    """Return what drafts are for, while they are being made; "" for variations."""
    final = final_of(jobs)
    if final is None or are_made(jobs):
        return ""
    return (
        f"These are drafts in {jobs[0].options.get('resolution')}. You pick one, and only that is made in "
        f"{final.resolution}, where details can differ."
    )


def price(jobs: Sequence[Job], drafts_microusd: int, picking: Picking | None) -> str:
    """Return what the drafts cost, and what the final costs as long as it may be made."""
    final, own = final_of(jobs), f"{dollars(drafts_microusd)} for {counted(len(jobs), 'draft')}"
    if final is None or (picking is not None and picking.pick.state == "over"):
        return own
    return f"{own} + {dollars(final.quote_microusd)} for the final"


def words(jobs: Sequence[Job], picking: Picking) -> str:
    """Return how the pick stands, "" while the drafts are made."""
    pick, final = picking.pick, picking.pick.final
    costs = f"in {final.resolution} for {dollars(final.quote_microusd)}"
    match pick.state:
        case "voting":
            votes = sum(picking.votes.values())
            so_far = f"{counted(votes, 'vote')} so far. " if votes else ""
            until = int(pick.until or 0)
            return f"**Vote for the best draft**; the vote ends <t:{until}:R>.\n{so_far}The winner is made {costs}."
        case "picked":
            return f"{_picked(pick)} Wanda makes it in {final.resolution} now."
        case "made":
            video = f"The final in {final.resolution}"
            return f"{_picked(pick)} {video if picking.final is None else _link(video, picking.final)} is below."
        case "over":
            return f"{_WHY[pick.why or 'late']} {_NOT_CHARGED}"
        case _ if not is_open(pick, jobs):
            return ""
        case _:
            until = "" if pick.until is None else f"\nThe money for it is set aside until <t:{int(pick.until)}:f>."
            return f"{_before(pick)}**Which one, <@{pick.member_id}>?** Your pick is made {costs}.{until}"


def _link(label: str, job: Job) -> str:
    return f"[{label}]({card_url(job)})"


def _before(pick: Pick) -> str:
    if pick.is_refused:
        return "Wanda couldn't begin the picked one. Pick again to see why.\n"
    return "Nobody voted.\n" if pick.has_voted else ""


def _picked(pick: Pick) -> str:
    votes = pick.votes or {}
    if not votes or pick.number is None:
        return f"**Draft {pick.number} is picked.**"
    return f"**Draft {pick.number} won** with {votes.get(pick.number, 0)} of {counted(sum(votes.values()), 'vote')}."


def shows_pick(jobs: Sequence[Job], picking: Picking) -> bool:
    """Return whether the message asks for a pick, or has one carried out, in place of what else can be done."""
    return is_open(picking.pick, jobs) or picking.pick.state == "picked"


def buttons(jobs: Sequence[Job], picking: Picking) -> tuple[Button, ...]:
    """Return the buttons with which a draft is picked or voted for."""
    pick = picking.pick
    if not is_open(pick, jobs):
        return ()
    none = Button("None of these", "secondary", pick_button_id("none", 0, pick.set_id))
    ready = ready_numbers(jobs)
    if pick.state == "voting":
        votes = (Button(_vote(one, picking), "secondary", pick_button_id("vote", one, pick.set_id)) for one in ready)
        return (*votes, Button("End vote", "secondary", pick_button_id("end", 0, pick.set_id)), none)
    cost = dollars(pick.final.quote_microusd)
    picks = (Button(f"Pick {one} · {cost}", "success", pick_button_id("pick", one, pick.set_id)) for one in ready)
    return (*picks, none)


def _vote(number: int, picking: Picking) -> str:
    votes = picking.votes.get(number, 0)
    return f"Draft {number}" + (f" · {counted(votes, 'vote')}" if votes else "")


def selects(jobs: Sequence[Job], picking: Picking) -> tuple[Select, ...]:
    """Return the list of how long the channel may vote; none where it has voted, or there is nothing to choose from."""
    pick = picking.pick
    may_vote = is_open(pick, jobs) and pick.state != "voting" and not pick.has_voted and len(ready_numbers(jobs)) > 1
    choices = tuple(Choice(span(seconds), str(seconds)) for seconds in VOTE_LENGTHS_S)
    return (Select(vote_select_id(pick.set_id), choices, placeholder=LET_VOTE),) if may_vote else ()


def answer(pick: Pick) -> str:
    """Return the private answer to what the drafts' member pressed."""
    match pick.state:
        case "picked":
            return f"Draft {pick.number} it is. Wanda makes it in {pick.final.resolution} now."
        case "voting":
            return f"The channel votes until <t:{int(pick.until or 0)}:t>. Your own vote decides a tie."
        case "over":
            return "The final isn't made, and you weren't charged for it."
        case _:
            return "Nobody voted, so it's yours to pick."


def voted(number: int, *, is_new: bool) -> str:
    """Return the private answer to a vote."""
    return (
        f"You vote for draft {number}. Press another one to change that."
        if is_new
        else f"You already vote for draft {number}."
    )
