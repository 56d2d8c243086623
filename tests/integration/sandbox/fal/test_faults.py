"""Planned faults: each kind has its effect as often as planned."""

from typing import Any

import httpx
import pytest

from sandbox.fal import errors
from tests.support.fal_requests import QUICK, WAN21, WAN27, FalRequests
from tests.support.media_samples import png


async def plan(fal: FalRequests, **fault: Any) -> None:
    """Plan a fault."""
    (await fal.control("faults", fault)).raise_for_status()


async def test_status_and_body(fal: FalRequests) -> None:
    """A planned status and body replace the answer `times` times, and nothing is accepted meanwhile."""
    await plan(fal, at="submit", status=503, body={"detail": "later"}, times=2)
    answers = [await fal.post(WAN27, QUICK) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].json() == {"detail": "later"}
    listed = await fal.http.get("/sandbox/requests")
    assert (len(listed.json()), listed.headers["x-sandbox-submits"]) == (1, "3")
    submits = (await fal.http.get("/sandbox/submits")).json()
    assert [submit["status"] for submit in submits] == [503, 503, 200]


async def test_lost_submit_reply(fal: FalRequests) -> None:
    """With a lost reply the request is accepted and runs, but its answer is not sent."""
    await plan(fal, at="submit", lose_reply=True)
    with pytest.raises(httpx.TransportError):
        await fal.post(WAN27, QUICK)
    requests = await fal.requests()
    assert [(one["reply_lost"], one["endpoint"]) for one in requests] == [(True, WAN27)]


async def test_delayed_submit_reply(fal: FalRequests) -> None:
    """A submit whose reply is too late for its client is accepted anyway."""
    await plan(fal, at="submit", delay_s=30)
    with pytest.raises(httpx.ReadTimeout):
        await fal.http.post(f"/{WAN27}", json=QUICK, headers=fal.key, timeout=0.3)
    assert len(await fal.requests()) == 1


async def test_delay(fal: FalRequests) -> None:
    """A delayed answer is the real one."""
    await plan(fal, at="submit", delay_s=0.05)
    assert (await fal.post(WAN27, QUICK)).status_code == 200


async def test_cut_answer(fal: FalRequests) -> None:
    """A cut answer ends in the middle of its body."""
    await plan(fal, at="submit", cut=True)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await fal.post(WAN27, QUICK)


async def test_cut_stream(fal: FalRequests) -> None:
    """A cut stream ends after some events, before COMPLETED; the next one goes on."""
    await fal.control("settings", {"seconds_per_job": 1})
    await plan(fal, at="stream", cut=True)
    handle = await fal.submit(WAN27, QUICK)
    with pytest.raises(httpx.RemoteProtocolError):
        await fal.events(handle)
    assert (await fal.events(handle))[-1]["status"] == "COMPLETED"


@pytest.mark.parametrize("at", ["status", "result"])
async def test_passing_trouble(fal: FalRequests, at: str) -> None:
    """A planned status without an error type does not change the request."""
    handle = await fal.submit(WAN27, QUICK)
    await fal.events(handle)
    await plan(fal, at=at, status=500)
    url = handle["status_url"] if at == "status" else handle["response_url"]
    assert [(await fal.get(url)).status_code for _ in range(2)] == [500, 200]


async def test_error_types(fal: FalRequests) -> None:
    """Each documented error type planned at `result` ends the request for good, in the shape of its family."""
    for error_type in [*errors.MODEL, *errors.PLATFORM]:
        await plan(fal, at="result", error_type=error_type)
        await ends_with(fal, error_type)


async def ends_with(fal: FalRequests, error_type: str) -> None:
    """Run a request that fails as planned; the film is the same each time, so it is rendered once."""
    handle = await fal.submit(WAN27, QUICK)
    events = await fal.events(handle)
    results = [await fal.get(handle["response_url"]) for _ in range(2)]
    known = errors.MODEL.get(error_type) or errors.PLATFORM[error_type]
    assert (events[-1]["status"], events[-1]["error_type"]) == ("COMPLETED", error_type)
    assert [result.status_code for result in results] == [known.status] * 2
    assert results[0].headers["x-fal-error-type"] == error_type
    assert results[0].headers["x-fal-retryable"] == str(known.retryable).lower()
    detail = results[0].json()["detail"]
    if error_type in errors.PLATFORM:
        assert results[0].json()["error_type"] == error_type
    else:
        assert (detail[0]["type"], detail[0].get("ctx")) == (error_type, known.context)


async def test_unknown_error_type(fal: FalRequests) -> None:
    """A type that fal does not document is a plain 422, and the control surface says that it is not documented."""
    planned = await fal.control("faults", {"at": "result", "error_type": "brand_new"})
    assert planned.json()["documented"] is False
    assert (await fal.error(WAN27, QUICK))["type"] == "brand_new"


async def test_late_error_type(fal: FalRequests) -> None:
    """A failure planned after rendering still applies if nobody has read the result."""
    handle = await fal.submit(WAN27, QUICK)
    await fal.events(handle)
    await plan(fal, at="result", error_type="content_policy_violation")
    assert [(await fal.get(handle["response_url"])).status_code for _ in range(2)] == [422, 422]


async def test_only_one_endpoint(fal: FalRequests) -> None:
    """A fault can be limited to one endpoint."""
    await plan(fal, at="submit", status=500, endpoint=WAN21)
    assert (await fal.post(WAN27, QUICK)).status_code == 200
    assert (await fal.post(WAN21, {})).status_code == 500


async def test_locked_account(fal: FalRequests) -> None:
    """A locked account gets fal's 403 at submit and upload until it is unlocked; with `at` it is one answer."""
    await plan(fal, locked=True)
    refused = [await fal.post(WAN27, QUICK), await fal.post(WAN27, QUICK)]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert refused[0].json()["detail"].startswith("User is locked. Reason: Exhausted balance.")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        await fal.upload(b"x")
    await plan(fal, locked=False)
    assert (await fal.post(WAN27, QUICK)).status_code == 200
    await plan(fal, at="submit", locked=True)
    assert [(await fal.post(WAN27, QUICK)).status_code for _ in range(2)] == [403, 200]


async def test_upload_and_cdn(fal: FalRequests) -> None:
    """Uploads and downloads fail and break off as planned; afterwards the file is complete."""
    await plan(fal, at="upload", status=500)
    with pytest.raises(httpx.HTTPStatusError, match="500"):
        await fal.upload(b"x")
    url = await fal.upload(png(300, 300))
    await plan(fal, at="cdn", status=503)
    assert (await fal.http.get(url)).status_code == 503
    await plan(fal, at="cdn", cut=True)
    with pytest.raises(httpx.RemoteProtocolError):
        await fal.http.get(url)
    assert (await fal.http.get(url)).content == png(300, 300)


async def test_requeue(fal: FalRequests) -> None:
    """A running request can go back to IN_QUEUE and on again, as fal does with a lost runner."""
    await fal.control("settings", {"seconds_per_job": 0.5})
    await plan(fal, at="requeue")
    events = await fal.events(await fal.submit(WAN27, QUICK))
    states = [event["status"] for event in events]
    assert states.index("IN_QUEUE", 1) > states.index("IN_PROGRESS")
    assert states[-2:] == ["IN_PROGRESS", "COMPLETED"]


async def test_typos_are_loud(fal: FalRequests) -> None:
    """A control request with an unknown key, or without effect, is refused with the reason."""
    for path, body in (
        ("faults", {"at": "submitt", "status": 500}),
        ("faults", {"at": "submit"}),
        ("faults", {"at": "submit", "statuss": 500}),
        ("settings", {"second_per_job": 1}),
        ("settings", {"concurrency": 0}),
    ):
        answer = await fal.control(path, body)
        assert answer.status_code == 400
        assert answer.json()["error"]


async def test_faults_can_be_seen_and_cleared(fal: FalRequests) -> None:
    """Planned faults are listed, counted down, and cleared on request."""
    await plan(fal, at="submit", status=500, times=3)
    await fal.post(WAN27, QUICK)
    left = (await fal.http.get("/sandbox/faults")).json()
    assert left == {"faults": [{"at": "submit", "status": 500, "times": 2}], "locked": False}
    await fal.http.delete("/sandbox/faults")
    assert (await fal.post(WAN27, QUICK)).status_code == 200


async def test_faults_of_the_submit_need_no_place(fal: FalRequests) -> None:
    """A lost reply without `at` is one to a submit; a locked account with `times` refuses that many."""
    await plan(fal, lose_reply=True)
    with pytest.raises(httpx.TransportError):
        await fal.post(WAN27, QUICK)
    await plan(fal, locked=True, times=1)
    assert [(await fal.post(WAN27, QUICK)).status_code for _ in range(2)] == [403, 200]
