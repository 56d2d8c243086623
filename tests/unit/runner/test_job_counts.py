from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.samples import Sample

from bot.fal.wire.types import FalStatus
from bot.jobs import events
from bot.jobs.events import Event
from bot.jobs.model import Failure, Job, PostedVideo, State
from bot.jobs.transactions import Advanced
from bot.metrics import REGISTRY
from bot.runner.job_counts import count_accepted, count_event
from tests.support.job_samples import HANDLE, RESULT, a_job

Gained = Callable[..., float]


@pytest.fixture
def gained() -> Gained:
    """How much a sample has grown since the test began; the registry is the process's."""
    before = _values()

    def difference(name: str, **labels: str) -> float:
        key = name, frozenset(labels.items())
        return round(_values().get(key, 0.0) - before.get(key, 0.0), 6)

    return difference


def _values() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    samples: list[Sample] = [sample for family in REGISTRY.collect() for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def told(event: Event, job: Job, *, before: State = "fetching", changed: bool = True) -> None:
    """Count an event that was stored at 300, a twentieth of a second after it came."""
    count_event(event, Advanced(job, before, (), changed=changed), begun_at=299.95, stored_at=300.0)


def job_of(**fields: Any) -> Job:
    """A job that was ordered at 100, submitted at 110, started at 130 and completed at 190."""
    times = {"created_at": 100.0, "submitted_at": 110.0, "started_at": 130.0, "completed_at": 190.0}
    return replace(a_job(), **{**times, **fields})


def test_the_steps_of_a_job(gained: Gained) -> None:
    """Each step is measured between the job's own times, and the end from what was stored."""
    job = job_of(charged_microusd=200_000)
    told(events.Submitted(HANDLE), job)
    told(FalStatus("running"), job)
    told(FalStatus("completed"), job)
    told(events.Made(RESULT, None), job)
    posted = events.VideoPosted(job.address, None, PostedVideo(1))
    told(posted, replace(job, state="done"), before="delivering")
    sums = {step: gained("wanda_job_step_seconds_sum", step=step) for step in ("submit", "queue", "render", "deliver")}
    assert sums == {"submit": 10, "queue": 20, "render": 60, "deliver": 110}
    assert gained("wanda_job_step_seconds_sum", step="whole") == 200
    assert gained("wanda_notice_seconds_sum") == 0.05
    assert gained("wanda_spent_dollars_total", payer="member") == 0.2
    assert gained("wanda_jobs_ended_total", state="done", mode=job.mode) == 1


def test_an_end_counts_once(gained: Gained) -> None:
    """A job without a video is counted when its card says so; a repeat, and a late video, count nothing."""
    failed = job_of(state="failed", failure=Failure(kind="generation_timeout"))
    told(events.EndShown(), failed, before="failed")
    told(events.EndShown(), failed, before="failed", changed=False)
    assert gained("wanda_jobs_ended_total", state="failed", mode=failed.mode) == 1
    assert gained("wanda_jobs_not_made_total", why="generation_timeout") == 1
    done = job_of(state="done")
    told(events.VideoPosted(done.address, None, PostedVideo(1)), done, before="done")
    assert gained("wanda_jobs_ended_total", state="done", mode=done.mode) == 0


def test_what_fal_calls_a_failure_is_no_label(gained: Gained) -> None:
    """A kind that is not in the documentation counts as "other", whatever text fal sends."""
    failed = job_of(state="failed", failure=Failure(kind="member 123456789 wrote: a secret"))
    told(events.EndShown(), failed)
    assert gained("wanda_jobs_not_made_total", why="other") == 1


def test_who_pays(gained: Gained) -> None:
    """What the server absorbs is counted apart from what the member is charged."""
    failure = Failure(kind="content_policy_violation", absorbed_microusd=150_000)
    told(events.NotMade(failure, 150_000, None), job_of(state="failed", failure=failure, charged_microusd=50_000))
    assert gained("wanda_spent_dollars_total", payer="member") == 0.05
    assert gained("wanda_spent_dollars_total", payer="server") == 0.15


def test_accepted_jobs(gained: Gained) -> None:
    """Every job of a set is one."""
    job = job_of()
    count_accepted([job, job, job])
    assert gained("wanda_jobs_accepted_total", mode=job.mode) == 3
