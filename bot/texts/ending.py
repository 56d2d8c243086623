"""What a card says of a job that has ended: how, and what it cost its member."""

from bot.jobs.model import Failure, Job
from bot.money import dollars
from bot.texts import failures
from bot.texts.result_link import KEPT_S

_NOT_BEGUN = frozenset({"declined", "unapproved", "unasked", "removed"})  # kinds of failures before fal was asked


def ending(job: Job) -> str:
    """Return how the job ended, or "" while it has not."""
    match job.state:
        case "cancelled" if job.failure is not None and job.failure.kind in _NOT_BEGUN:
            said = failures.failure_text(job.failure)
            return f"**{said.what}** {charge_text(job)} {said.next}"
        case "cancelled":
            return f"**Cancelled.** {charge_text(job)}"
        case "uncertain":
            failure = job.failure or Failure(kind="lost")
            said = failures.uncertain_text(failure)
            return f"**We can't tell whether this video was made.** {said.what}\n{charge_text(job)} {said.next}"
        case "failed" if job.result is not None:
            return _not_brought(job)
        case "failed":
            said = failures.failure_text(job.failure or Failure(kind="unknown"))
            return f"**No video.** {said.what}\n{charge_text(job)} {said.next}"
        case "done" if job.mailed is not None:
            what = f"Wanda can't post here, so the video went to <@{job.member_id}> by direct message."
            return f"**Done.** {what}"
        case "done":
            return "**Done.**"
        case _:
            return ""


def _not_brought(job: Job) -> str:
    """Return what became of a video that was made, and that neither the channel nor the member could be given."""
    again = (
        (f" Wanda keeps trying until <t:{int(job.completed_at + KEPT_S)}:f>.")
        if job.late_at and job.completed_at
        else ""
    )
    if job.failure is not None and job.failure.kind == "unplayable":
        return (
            f"**fal sent a file that doesn't play.** {charge_text(job)} "
            f"Whoever runs Wanda can ask fal for the money back.{again}"
        )
    return (
        f"**The video is made, but Wanda can't post it here or in a direct message to <@{job.member_id}>.** "
        f"{charge_text(job)} `/jobs show` has it.{again}"
    )


def approval_announcement(job: Job) -> str:
    """Return the line above a new message that asks for approval, where the job's card is gone."""
    return f"<@{job.member_id}>, your video is waiting for approval."


def end_announcement(job: Job) -> str:
    """Return the line above a new message that says how a job ended, where its card is gone."""
    if job.mailed is not None:
        return f"<@{job.member_id}>, your video is in your direct messages."
    how = "didn't work out" if job.result is None else "couldn't be posted"
    return f"<@{job.member_id}>, your video {how}."


def charge_text(job: Job) -> str:
    """Return what an ended job cost its member, and why, in a sentence."""
    amount = job.charged_microusd or 0
    billed = "fal billed" if job.failure is None or job.failure.billed == "yes" else "fal may have billed"
    if job.shares:
        return _shared_charge_text(job, amount, billed)
    if job.failure is not None and job.failure.absorbed_microusd:
        paid = dollars(job.failure.absorbed_microusd)
        if amount > 0:
            return (
                f"You were charged {dollars(amount)}, and this server paid {paid}, because {billed} this try and "
                "the server's daily share for you is used up."
            )
        return f"You weren't charged. This server paid {paid}, because {billed} this try."
    if job.failure is not None and job.failure.held_microusd:
        held = dollars(job.failure.held_microusd)
        return (
            f"You weren't charged yet. {held} of yours stays aside until whoever runs Wanda has looked up what "
            "fal billed."
        )
    if amount <= 0:
        return "You weren't charged."
    if job.failure is not None and job.failure.kind == "unplayable":
        return f"You were charged {dollars(amount)}, because fal bills it as a video."
    if job.result is not None:
        return f"You were charged {dollars(amount)}, because fal made the video."
    return f"You were charged {dollars(amount)}, because {billed} this try."


def _shared_charge_text(job: Job, amount_microusd: int, billed: str) -> str:
    """Return what an ended job cost those who chipped in for it."""
    paid = 0 if job.failure is None else job.failure.absorbed_microusd or 0
    held = 0 if job.failure is None else job.failure.held_microusd or 0
    why = "fal made the video" if job.result is not None else f"{billed} this try"
    if amount_microusd > 0:
        server = f", and this server paid {dollars(paid)}" if paid else ""
        return f"{dollars(amount_microusd)} was charged to those who chipped in, in proportion{server}, because {why}."
    if paid:
        return f"Nobody who chipped in was charged. This server paid {dollars(paid)}, because {why}."
    if held:
        return (
            f"Nobody was charged yet. {dollars(held)} stays aside until whoever runs Wanda has looked up what fal "
            "billed."
        )
    return "Nobody who chipped in was charged."
