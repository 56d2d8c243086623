"""Counts for /metrics what was stored: accepted jobs, how long steps took, what was paid, how they and films ended."""

from collections.abc import Sequence

from bot import metrics
from bot.catalogue.registry import MODES
from bot.fal.wire.error_types import ERROR_TYPES
from bot.fal.wire.types import FalStatus
from bot.films.model import ENDED, Film
from bot.jobs import events
from bot.jobs.events import Event
from bot.jobs.model import FINISHED, Job
from bot.jobs.transactions import Advanced
from bot.money import MICROUSD_PER_USD

# Wanda's own names beside fal's; see `bot.jobs.model.Failure`.
_OWN_KINDS = frozenset(
    {
        "access",
        "account",
        "client_cancelled",
        "declined",
        "defect",
        "gone",
        "lost",
        "refused",
        "removed",
        "senseless",
        "unapproved",
        "unasked",
        "undeliverable",
        "unfinished",
        "unplayable",
        "unreachable",
    }
)


_KINDS = _OWN_KINDS | ERROR_TYPES | {"other"}
for _why in _KINDS:
    metrics.JOBS_NOT_MADE.labels(_why)
for _mode in MODES:
    metrics.JOBS_ACCEPTED.labels(_mode.id)
    for _state in FINISHED:
        metrics.JOBS_ENDED.labels(_state, _mode.id)


def count_accepted(jobs: Sequence[Job]) -> None:
    """Count the jobs of one order."""
    for job in jobs:
        metrics.JOBS_ACCEPTED.labels(job.mode).inc()


def count_film(before: Film, after: Film) -> None:
    """Count a film that ended between these two states of its row."""
    if after.state not in ENDED or before.state in ENDED:
        return
    outcome = after.why or ("posted" if before.state == "posting" else "kept")
    metrics.FILMS_ENDED.labels(outcome if outcome in metrics.FILM_OUTCOMES else "other").inc()


def count_event(event: Event, advanced: Advanced, *, begun_at: float, stored_at: float) -> None:
    """Count an event that the runner began to store at `begun_at` and had stored at `stored_at`."""
    if not advanced.changed:
        return
    job = advanced.job
    match event:
        case events.Submitted():
            _observe("submit", job.created_at, job.submitted_at)
        case FalStatus(state="running"):
            _observe("queue", job.submitted_at, job.started_at)
        case FalStatus(state="completed"):
            metrics.NOTICE_SECONDS.observe(max(0.0, stored_at - begun_at))
        case events.Made() | events.NotMade():
            _observe("render", job.started_at or job.submitted_at, job.completed_at)
            _count_money(job)
        case events.VideoPosted() if advanced.before not in FINISHED:
            _observe("deliver", job.completed_at, stored_at)
            _observe("whole", job.created_at, stored_at)
            _count_end(job)
        case events.EndShown():
            _count_end(job)
        case _:
            pass


def _observe(step: str, since: float | None, until: float | None) -> None:
    if since is not None and until is not None:
        metrics.STEP_SECONDS.labels(step).observe(max(0.0, until - since))


def _count_money(job: Job) -> None:
    absorbed = 0 if job.failure is None else job.failure.absorbed_microusd or 0
    metrics.SPENT_DOLLARS.labels("member").inc((job.charged_microusd or 0) / MICROUSD_PER_USD)
    metrics.SPENT_DOLLARS.labels("server").inc(absorbed / MICROUSD_PER_USD)


def _count_end(job: Job) -> None:
    metrics.JOBS_ENDED.labels(job.state, job.mode).inc()
    if job.failure is not None:
        # fal may send any text as the failure's kind.
        metrics.JOBS_NOT_MADE.labels(job.failure.kind if job.failure.kind in _KINDS else "other").inc()
