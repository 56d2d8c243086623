"""Jobs whose submit's reply was lost, among fal's past requests."""

from dataclasses import replace
from typing import Any

import pytest

from bot.fal.wire.platform import PastRequest
from bot.jobs.lost import found_among
from bot.jobs.model import Job, payload_of
from tests.support.job_samples import NOW, PICTURE, a_job

URL = "https://v3.fal.media/files/b/1/own.png"
JOB = a_job(state="uncertain", inputs=(replace(PICTURE, url=URL),), created_at=NOW)
OTHER = replace(JOB, id="f" * 32, inputs=(replace(PICTURE, url=f"{URL}?2"),))


def request(
    name: str, body: Any, *, endpoint: str = "fal-ai/wan/v2.7/image-to-video", ended_at: float = NOW + 60
) -> PastRequest:
    """Return a request that has ended."""
    return PastRequest(request_id=name, endpoint=endpoint, sent_at=NOW, ended_at=ended_at, input=body)


def found(jobs: list[Job], *requests: PastRequest, is_whole: bool = True) -> dict[str, str]:
    """Return which requests are whose."""
    return found_among(jobs, requests, is_whole=is_whole)


def test_a_job_is_found_by_its_upload() -> None:
    """A request with the address of the job's own upload is the job's, whatever else fal shows of it."""
    requests = [request("one", {"image_url": URL, "seed": 1}), request("two", {"nested": {"urls": [f"{URL}?2"]}})]
    assert found([JOB, OTHER], *requests, is_whole=False) == {JOB.id: "one", OTHER.id: "two"}


@pytest.mark.parametrize(
    "odd",
    [
        request("one", None),
        request("one", {"image_url": "https://elsewhere"}),
        request("one", {"image_url": URL}, endpoint="fal-ai/wan-i2v"),
        request("one", {"image_url": URL}, ended_at=NOW - 1),
        request("one", {"x": [[[]]] * 5000}),
    ],
)
def test_what_is_not_the_jobs(odd: PastRequest) -> None:
    """Without its input, with another file, endpoint or time, a request is nobody's."""
    assert found([JOB], odd) == {}


def test_nothing_is_guessed() -> None:
    """Where two requests fit a job, or one request two jobs, nothing is found."""
    body = {"image_url": URL}
    assert found([JOB], request("one", body), request("two", body)) == {}
    assert found([JOB, replace(JOB, id="e" * 32)], request("one", body)) == {}
    assert found([replace(JOB, inputs=(replace(PICTURE, url=None),))], request("one", body)) == {}


def test_a_job_without_a_file() -> None:
    """A job without a file is found by its whole input with its seed, and only where the whole list was read."""
    text = a_job(
        state="uncertain", mode="wan27-text", inputs=(), created_at=NOW, options={"prompt": "A kite", "seed": 7}
    )
    endpoint = "fal-ai/wan/v2.7/text-to-video"
    whole = dict(payload_of(text)) | {"negative_prompt": ""}
    one = request("one", whole, endpoint=endpoint)
    assert found([text], one) == {text.id: "one"}
    assert found([text], one, is_whole=False) == {}
    assert found([text], one, request("two", whole, endpoint=endpoint)) == {}
    assert found([text], request("one", whole | {"seed": 8}, endpoint=endpoint)) == {}
    unseeded = replace(text, options={"prompt": "A kite"})
    assert found([unseeded], request("one", dict(payload_of(unseeded)), endpoint=endpoint)) == {}
