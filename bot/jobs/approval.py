"""Who may decide on a waiting job, and its approval, by the rules in force when the button is pressed."""

from collections.abc import Collection

from bot.errors import NotAllowed
from bot.jobs import transactions
from bot.jobs.events import Approved
from bot.jobs.model import Job
from bot.jobs.places import Places, check_place, taken_places
from bot.jobs.rule_query import who_of
from bot.jobs.transactions import Advanced
from bot.ledger import rules, tables
from bot.ledger.model import Shipped, Terms
from bot.storage.transaction import Transaction, together


def check_may_decide(
    job: Job, terms: Terms, *, member_id: int, role_ids: Collection[int], manages: bool, approve: bool
) -> None:
    """Check that the member may approve or decline the job by today's rule; `manages` is Manage Server.

    Only the rule of today names the approvers, so a role that the server has replaced decides nothing any more.

    Raises:
        NotAllowed: they may not.
    """
    rule = None if terms.approval is None else terms.approval.value
    role_id = None if rule is None else rule.role_id
    if not manages and (role_id is None or role_id not in role_ids):
        whom = f"<@&{role_id}> and people" if role_id else "people"
        raise NotAllowed(f"Only {whom} who manage this server can decide on this video.", rule="approver")
    if approve and member_id == job.member_id and not (rule is not None and rule.own):
        raise NotAllowed(
            "This is your own video, so somebody else has to approve it. "
            "An admin can change that with `/wanda-admin approval own:True`.",
            rule="approver",
        )


def approve_all(
    job_ids: Collection[str], yes: Approved, *, shipped: Shipped, places: Places, now: float, running: int = 0
) -> Transaction[tuple[Advanced, ...]]:
    """Start the jobs of one order, or none of them.

    None is started if one has no place, or the server was paused, the member blocked or the channel closed. `running`
    is how many other jobs this process makes.

    Raises:
        NotAllowed: a rule of now forbids it; the job still waits, and the sentence is for the approver.
        Busy: there is no place yet; likewise.
        StorageError: there is no such job.
    """
    advanced = yield from transactions.advance_all(job_ids, yes, now=now)
    begun = [one.job for one in advanced if one.job.state == "accepted" and one.changed]
    if begun:
        yield from tables.lock(begun[0].guild_id)
        terms, taken = yield from together(
            rules.terms_of(who_of(begun[0]), at=now, shipped=shipped), taken_places(begun)
        )
        _refuse_if_closed(terms)
        check_place(begun, places, taken, running=running, for_approver=True)
    return advanced


def _refuse_if_closed(terms: Terms) -> None:
    waits = "The video keeps waiting until then."
    if not terms.server_allowed:
        raise NotAllowed("Whoever runs Wanda has turned Wanda off for this server.", rule="operator")
    if terms.paused is not None:
        raise NotAllowed(f"Wanda is paused here: resume first, then approve. {waits}", rule="paused")
    if terms.blocked is not None:
        raise NotAllowed(
            f"<@{terms.who.member_id}> is blocked: unblock them first, then approve. {waits}",
            rule="blocked",
        )
    if terms.channel_closed is not None:
        raise NotAllowed(
            f"<#{terms.who.channel_id}> is closed for videos: open it first, then approve. {waits}",
            rule="channel",
        )
