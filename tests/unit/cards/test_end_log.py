"""The log's line about a job that ended."""

from dataclasses import replace

import pytest

from bot.cards.end_log import log_end
from bot.jobs.model import Failure, Job
from tests.support.job_samples import a_job

JOB = a_job()


@pytest.mark.parametrize(
    ("job", "level", "begins"),
    [
        (replace(JOB, state="done"), "INFO", "done ["),
        (replace(JOB, state="cancelled"), "INFO", "cancelled ["),
        (
            replace(JOB, state="failed", failure=Failure(kind="image_load_error", status=422)),
            "WARNING",
            "failed: fal couldn't open one of the files. (image_load_error, 422) [",
        ),
        (replace(JOB, state="failed", failure=Failure(kind="account", status=403)), "ERROR", "failed: "),
        (replace(JOB, state="uncertain"), "ERROR", "uncertain: "),
    ],
)
def test_one_line_says_why_and_where(job: Job, level: str, begins: str, caplog: pytest.LogCaptureFixture) -> None:
    """An operator sees what needs them by its level, and finds the message, the member and the money of each job."""
    caplog.set_level("INFO")
    log_end(job)
    (record,) = caplog.records
    text = record.getMessage()
    assert record.levelname == level
    assert text.startswith(begins)
    place = f"server {job.guild_id}, channel {job.address.channel_id}, message {job.address.message_id}"
    assert f"{job.mode}, $0.75, {place}, member {job.member_id}]" in text
    assert (f"ledger --close {job.id} --at AMOUNT" in text) == (job.state == "uncertain")
