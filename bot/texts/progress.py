"""What a card says of a job that is under way: its place or progress, and elapsed and remaining time on one line."""

from typing import assert_never

from bot.jobs.model import Job, Live
from bot.texts.estimate import Estimate, estimate
from bot.texts.plain import bar, coarse, span

_BAR_CELLS = 12
_SHORTEST_S = 5.0  # elapsed and remaining times below this are not told


def progress(job: Job, live: Live, now: float) -> str:
    """Return how far the job is at `now` (Unix seconds), or "" once it has ended."""
    waited_s = now - job.created_at
    match job.state:
        case "waiting":
            until = f", until <t:{int(job.approve_by)}:f>" if job.approve_by else ""
            whom = f"<@&{job.approver_role_id}>" if job.approver_role_id else "an admin of this server"
            return f"**Waiting for approval** by {whom}{until}\n-# You aren't charged before somebody approves it."
        case "accepted" | "submitting":
            return _line(_before(job, live), waited_s)
        case "queued" | "running":
            return _at_fal(job, live, now)
        case "fetching" if live.step == "fal is silent":
            what = "The video is made, but fal isn't handing it over yet"
            return f"{_line(what, waited_s)}\n-# Wanda keeps asking. Nothing is lost."
        case "fetching":
            return _line("Getting the video from fal", waited_s)
        case "delivering" if live.step == "making it fit":
            return _line("Making it fit this server", waited_s, share=live.fraction)
        case "delivering":
            return _line("Posting the video", waited_s)
        case "done" | "failed" | "cancelled" | "uncertain":
            return ""
        case _:
            assert_never(job.state)


def _line(what: str, elapsed_s: float, rest: str = "", *, share: float | None = None) -> str:
    """Return one line: a bar if the share is known, what is done, how long it takes so far, and the rest."""
    elapsed = f"{span(coarse(elapsed_s))} so far" if elapsed_s >= _SHORTEST_S else ""
    done = "" if share is None else f"{bar(share, _BAR_CELLS)} **{int(share * 100)} %**"
    return " · ".join(part for part in (done, f"**{what}**", elapsed, rest) if part)


def _at_fal(job: Job, live: Live, now: float) -> str:
    if live.is_parked:
        return _parked(job, live)
    if job.state == "running":
        return _running(job, live, now)
    return _line(_queue(live), now - job.created_at, _usual(live))


def _parked(job: Job, live: Live) -> str:
    """Return a line without the time that has passed: Discord counts it, so the card needs no edit until the end."""
    what = "Making the video" if job.state == "running" else "Sent to fal"
    since = f"ordered <t:{int(job.created_at)}:R>" if job.started_at is None else f"begun <t:{int(job.started_at)}:R>"
    return " · ".join(part for part in (f"**{what}**", since, _usual(live)) if part)


def _before(job: Job, live: Live) -> str:
    if live.step == "account locked":
        return "Waiting, because Wanda's fal account needs attention"
    if live.step == "uploading":
        return "Uploading your files to fal"
    return "Sending it to fal" if job.state == "submitting" else "Getting ready"


def _queue(live: Live) -> str:
    """Return the place in fal's queue. Without one fal has not said yet that the job waits at all."""
    if live.position is None:
        return "Sent to fal"
    if live.position <= 0:
        return "Next in line at fal"
    return f"In line at fal, {live.position:,} ahead"


def _usual(live: Live) -> str:
    return f"usually {span(coarse(live.typical_s))}" if live.typical_s and live.typical_s >= _SHORTEST_S else ""


def _running(job: Job, live: Live, now: float) -> str:
    elapsed_s = max(0.0, now - (job.started_at or job.created_at))
    guess = estimate(elapsed_s, live)
    return _line("Making the video", elapsed_s, _remaining(guess), share=guess.fraction)


def _remaining(guess: Estimate) -> str:
    """Return how long it still takes, or that it takes longer than usual, never both; "" if nothing is known."""
    if guess.overdue:
        return "longer than usual"
    if guess.left_s is None:
        return ""
    return f"about {span(max(_SHORTEST_S, coarse(guess.left_s)))} left"
