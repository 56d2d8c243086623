import json

from bot.jobs.rows import body_of, job_in
from tests.support.job_samples import HANDLE, RESULT, a_job


def test_a_job_is_read_as_it_was_written() -> None:
    """A job is read from its row unchanged."""
    job = a_job(state="done", handle=HANDLE, result=RESULT)
    assert job_in({"body": body_of(job)}) == job


def test_a_row_of_an_earlier_version_is_read() -> None:
    """A row may hold fields that Wanda no longer knows: they are ignored, and the rest is read."""
    job = a_job(state="done", handle=HANDLE, result=RESULT)
    body = json.loads(body_of(job))
    body["result"] |= {"content_type": "video/mp4", "file_name": "out.mp4"}
    body["handle"] |= {"position": 3}
    assert job_in({"body": json.dumps(body)}) == job
