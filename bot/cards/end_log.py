"""What the operator's log says of a job that ended: why, and where, in one line."""

import logging

from bot.jobs.model import Failure, Job
from bot.money import exact_dollars
from bot.texts.failures import failure_text, uncertain_text

log = logging.getLogger(__name__)
# Failures that only the operator can do something about: the key or the balance, a fault of Wanda's, a closed channel.
_FOR_THE_OPERATOR = {"access", "account", "defect", "undeliverable"}


def log_end(job: Job) -> None:
    """Log how the job ended: at INFO if it went as asked, else at WARNING, or at ERROR if the operator has to act."""
    match job.state:
        case "failed":
            failure = job.failure or Failure(kind="unknown")
            level = logging.ERROR if failure.kind in _FOR_THE_OPERATOR else logging.WARNING
            log.log(level, "failed: %s%s [%s]", failure_text(failure).what, _kind(failure), _place(job))
        case "uncertain":
            failure = job.failure or Failure(kind="lost")
            log.error(
                "uncertain: %s%s [%s] Once fal's dashboard tells the cost: python -m bot ledger --close %s --at AMOUNT",
                uncertain_text(failure).what,
                _kind(failure),
                _place(job),
                job.id,
            )
        case _:
            log.info("%s [%s]", job.state, _place(job))


def _kind(failure: Failure) -> str:
    """Return fal's own name of the failure, by which it is found in fal's documentation."""
    return f" ({failure.kind})" if failure.status is None else f" ({failure.kind}, {failure.status})"


def _place(job: Job) -> str:
    charged = "" if job.charged_microusd is None else f", charged {exact_dollars(job.charged_microusd)}"
    return (
        f"{job.mode}, {exact_dollars(job.quote_microusd)}{charged}, server {job.guild_id}, "
        f"channel {job.address.channel_id}, message {job.address.message_id}, member {job.member_id}"
    )
