import json
from dataclasses import replace

from bot.jobs.rows import body_of, columns_of, job_in, update
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


def test_an_update_names_the_columns_that_change() -> None:
    """Each column that it named would have its indexes written anew; one that is stored wrongly is put right."""
    before = a_job(state="queued", handle=HANDLE)
    after = replace(before, state="running")
    assert "SET version = version + 1, body = $2, state = $3 WHERE" in update(after, columns_of(before)).sql
    stored = {**columns_of(before), "told": 1}
    assert update(after, stored).args == (after.id, body_of(after), "running", 0)
