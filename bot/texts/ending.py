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
            return f"**It is not certain what became of this video.** {said.what}\n{charge_text(job)} {said.next}"
        case "failed" if job.result is not None:
            return _not_brought(job)
        case "failed":
            said = failures.failure_text(job.failure or Failure(kind="unknown"))
            return f"**No video.** {said.what}\n{charge_text(job)} {said.next}"
        case "done" if job.mailed is not None:
            what = f"The video went to <@{job.member_id}> by direct message, because Wanda may not post it here."
            return f"**Done.** {what}"
        case "done":
            return "**Done.**"
        case _:
            return ""


def _not_brought(job: Job) -> str:
    """Return what became of a video that was made, and that neither the channel nor the member could be given."""
    again = (
        f" She tries again until <t:{int(job.completed_at + KEPT_S)}:f>." if job.late_at and job.completed_at else ""
    )
    if job.failure is not None and job.failure.kind == "unplayable":
        return (
            f"**What fal sent is no video that plays.** {charge_text(job)} Wanda kept nothing of it; fal's file is at "
            f"the link.{again} Tell an admin, who can ask fal for the money back."
        )
    return (
        "**The video was made, but Discord let Wanda post it neither here nor in a direct message to "
        f"<@{job.member_id}>.** {charge_text(job)} `/jobs show` hands it over.{again}"
    )


def end_announcement(job: Job) -> str:
    """Return the line above a new message that says how a job ended, where its card is gone."""
    if job.mailed is not None:
        return f"<@{job.member_id}>, your video went to you by direct message."
    how = "did not come about" if job.result is None else "could not be posted"
    return f"<@{job.member_id}>, your video {how}."


def charge_text(job: Job) -> str:
    """Return what an ended job cost its member, and why, in a sentence."""
    amount = job.charged_microusd or 0
    billed = "fal billed" if job.failure is None or job.failure.billed == "yes" else "fal may have billed"
    if job.failure is not None and job.failure.absorbed_microusd:
        paid = dollars(job.failure.absorbed_microusd)
        if amount > 0:
            return (
                f"You were charged {dollars(amount)}, and this server's budget took {paid}: {billed} this attempt, "
                "and the server takes only so much for each member in a day."
            )
        return f"Nothing was charged to you; {billed} this attempt, and this server's budget took the {paid}."
    if job.failure is not None and job.failure.held_microusd:
        held = dollars(job.failure.held_microusd)
        return (
            f"Nothing was charged; {held} of yours stays held until whoever runs Wanda has looked up what fal billed, "
            "because this server has taken enough of your failed videos today."
        )
    if amount <= 0:
        return "Nothing was charged."
    if job.failure is not None and job.failure.kind == "unplayable":
        return f"You were charged {dollars(amount)} because fal bills it as a video."
    if job.result is not None:
        return f"You were charged {dollars(amount)} because fal made the video."
    return f"You were charged {dollars(amount)} because {billed} this attempt."
