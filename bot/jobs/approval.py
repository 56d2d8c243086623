"""Approves a waiting job, unless the rules in force now forbid it."""

from bot.errors import NotAllowed
from bot.jobs import transactions
from bot.jobs.machine import Approved
from bot.jobs.transactions import Advanced, who_of
from bot.ledger import rules, tables
from bot.ledger.model import Shipped, Terms
from bot.storage.transaction import Transaction


def approve_job(job_id: str, yes: Approved, *, shipped: Shipped, now: float) -> Transaction[Advanced]:
    """Start the job, unless the server was paused, the member blocked or the channel closed in the meantime.

    Raises:
        NotAllowed: it was; the job still waits, and the sentence is for the approver.
        StorageError: there is no such job.
    """
    advanced = yield from transactions.advance(job_id, yes, now=now)
    if advanced.job.state == "accepted" and advanced.changed:
        yield from tables.lock(advanced.job.guild_id)
        _refuse_if_closed((yield from rules.terms_of(who_of(advanced.job), at=now, shipped=shipped)))
    return advanced


def _refuse_if_closed(terms: Terms) -> None:
    waits = "The video waits on until its time is over."
    if not terms.server_allowed:
        raise NotAllowed(f"Wanda's operator has closed Wanda for this server. {waits}", rule="operator")
    if terms.paused is not None:
        raise NotAllowed(f"Wanda is paused in this server: resume her first, then approve. {waits}", rule="paused")
    if terms.blocked is not None:
        raise NotAllowed(
            f"<@{terms.who.member_id}> is blocked from making videos: unblock them first, then approve. {waits}",
            rule="blocked",
        )
    if terms.channel_closed is not None:
        raise NotAllowed(
            f"No videos are made in <#{terms.who.channel_id}> any more: allow it first, then approve. {waits}",
            rule="channel",
        )
