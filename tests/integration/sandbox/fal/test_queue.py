import json
from typing import Any

import httpx
import pytest

from sandbox.fal.server import FalSandbox
from tests.support.fal_requests import APPS, QUICK, WAN21, WAN27, FalRequests
from tests.support.media_samples import png

HOUR_S, DAY_S = 3600, 24 * 3600


@pytest.mark.parametrize("endpoint", APPS)
async def test_submit_reply(fal: FalRequests, endpoint: str) -> None:
    """A submit is answered as documented, with URLs that keep only the first two segments."""
    answer = await fal.post(endpoint, {})
    handle = answer.json()
    root = f"{fal.sandbox.url}/{APPS[endpoint]}/requests/{handle['request_id']}"
    assert answer.status_code == 200
    assert handle == {
        "status": "IN_QUEUE",
        "request_id": handle["request_id"],
        "queue_position": 0,
        "response_url": root,
        "status_url": f"{root}/status",
        "cancel_url": f"{root}/cancel",
        "logs": None,
        "metrics": {},
    }


@pytest.mark.parametrize("path", ["", "/status", "/status/stream", "/cancel"])
async def test_full_path_is_405(fal: FalRequests, path: str) -> None:
    """The full sub-path answers 405 for a request's URLs."""
    handle = await fal.submit(WAN27, QUICK)
    answer = await fal.get(f"/{WAN27}/requests/{handle['request_id']}{path}")
    assert answer.status_code == 405


@pytest.mark.parametrize("authorization", [None, "Bearer sandbox-key-id:sandbox-key-secret", "Key wrong"])
async def test_key_is_needed(fal: FalRequests, authorization: str | None) -> None:
    """Every route of the queue refuses a missing, wrong or Bearer key with fal's own 401."""
    handle = await fal.submit(WAN27, QUICK)
    headers = {} if authorization is None else {"Authorization": authorization}
    asked = [
        ("POST", f"/{WAN27}"),
        ("GET", handle["status_url"]),
        ("GET", f"{handle['status_url']}/stream"),
        ("GET", handle["response_url"]),
        ("PUT", handle["cancel_url"]),
        ("POST", "/storage/upload/initiate?storage_type=fal-cdn-v3"),
    ]
    for method, url in asked:
        answer = await fal.http.request(method, url, headers=headers, json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()) == (401, {"detail": "No user found for Key ID and Secret"})
    assert len(await fal.requests()) == 1


async def test_unknown_things_are_loud(fal: FalRequests) -> None:
    """An unknown app is fal's 404; to a strict stand-in an unknown route, option or header is a 501 that says so."""
    assert (await fal.post("fal-ai/nonesuch", {})).status_code == 404
    for answer in (
        await fal.get("/nonesuch"),
        await fal.post(WAN27, QUICK, query="?nonesuch=1"),
        await fal.post(WAN27, QUICK, X_Fal_Nonesuch="1"),
    ):
        assert answer.status_code == 501
        assert "sandbox/fal does not know" in answer.json()["detail"]
    assert await fal.requests() == []


async def test_unknown_headers_and_options_are_ignored() -> None:
    """fal ignores what it does not know, and so does a stand-in that is not strict."""
    async with FalSandbox(seconds_per_job=0.05) as sandbox, httpx.AsyncClient(base_url=sandbox.url) as http:
        fal = FalRequests(sandbox, http)
        handle = (await fal.post(WAN27, QUICK, query="?nonesuch=1", X_Fal_Nonesuch="1")).json()
        assert (await fal.get(handle["status_url"] + "?nonesuch=1")).status_code in {200, 202}


@pytest.mark.parametrize("patience", ["soon", "-1", "1,5", ""])
async def test_a_malformed_deadline_is_a_bad_request(fal: FalRequests, patience: str) -> None:
    """X-Fal-Request-Timeout is a number of seconds; anything else is a 400 of the platform."""
    answer = await fal.post(WAN27, QUICK, X_Fal_Request_Timeout=patience)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")
    assert await fal.requests() == []


@pytest.mark.parametrize(
    ("prompt", "stored", "after_s", "status"),
    [
        ("A kite", True, 29 * DAY_S, 200),
        ("A kite", True, 31 * DAY_S, 404),
        ("A kite", False, HOUR_S - 60, 200),
        ("A kite", False, HOUR_S + 60, 404),
        ("ü" * 2000, False, 300, 200),
        ("ü" * 2000, False, 400, 404),
    ],
)
async def test_results_are_kept_for_a_while(
    fal: FalRequests, prompt: str, stored: bool, after_s: float, status: int
) -> None:
    """Without payload storage a result is kept for an hour, one of 10 KB for six minutes, else for 30 days."""
    body = QUICK | {"prompt": prompt, "enable_prompt_expansion": True}
    handle = await fal.submit(WAN27, body, **({} if stored else {"X_Fal_Store_IO": "0"}))
    await fal.events(handle)
    await fal.control("settings", {"clock_ahead_s": after_s})
    assert (await fal.get(handle["response_url"])).status_code == status


async def test_known_headers_are_taken(fal: FalRequests) -> None:
    """fal's documented request headers are accepted, and shown to the tests."""
    headers = {
        "X_Fal_Request_Timeout": "600",
        "X_Fal_Queue_Priority": "normal",
        "X_Fal_No_Retry": "1",
        "X_Fal_Object_Lifecycle_Preference": json.dumps({"expiration_duration_seconds": 3600}),
        "x_app_fal_disable_fallback": "true",
    }
    await fal.submit(WAN27, QUICK, **headers)
    seen = (await fal.requests())[0]["headers"]
    assert {name.lower() for name in seen} == {name.lower().replace("_", "-") for name in headers}


async def test_positions_and_priority(fal: FalRequests) -> None:
    """Beyond the concurrency requests wait with positions; those of low priority stand behind all others."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 60})
    await fal.submit(WAN27, QUICK)
    low = await fal.submit(WAN27, QUICK, X_Fal_Queue_Priority="low")
    normal = await fal.submit(WAN27, QUICK)
    assert (low["queue_position"], normal["queue_position"]) == (0, 0)
    positions = [(await fal.get(handle["status_url"])).json()["queue_position"] for handle in (normal, low)]
    assert positions == [0, 1]


async def test_max_queue_length(fal: FalRequests) -> None:
    """fal_max_queue_length refuses with 429 when that many wait already."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 60})
    for _ in range(3):
        await fal.submit(WAN27, QUICK)
    assert (await fal.post(WAN27, QUICK, query="?fal_max_queue_length=2")).status_code == 429
    assert (await fal.post(WAN27, QUICK, query="?fal_max_queue_length=3")).status_code == 200


async def test_request_timeout(fal: FalRequests) -> None:
    """A request that does not start within X-Fal-Request-Timeout ends with a 504 of the user's own making."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 60})
    await fal.submit(WAN27, QUICK)
    late = await fal.submit(WAN27, QUICK, X_Fal_Request_Timeout="1")
    assert (await fal.events(late))[-1]["status"] == "COMPLETED"
    result = await fal.get(late["response_url"])
    assert result.status_code == 504
    assert result.headers["x-fal-request-timeout-type"] == "user"
    assert result.json()["error_type"] == "request_timeout"


async def test_status_over_a_life(fal: FalRequests) -> None:
    """The status is 202 until COMPLETED and 200 then; logs are null unless asked for, and cumulative."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 0.5})
    first, second = await fal.submit(WAN27, QUICK), await fal.submit(WAN27, QUICK)
    waiting = await fal.get(second["status_url"] + "?logs=1")
    assert waiting.status_code == 202
    assert waiting.json() == second | {"queue_position": 0}
    running = await fal.get(first["status_url"])
    assert (running.status_code, running.json()["status"], running.json()["logs"]) == (202, "IN_PROGRESS", None)
    await fal.events(first)
    done = await fal.get(first["status_url"] + "?logs=1")
    messages = [line["message"] for line in done.json()["logs"]]
    assert (done.status_code, done.json()["status"]) == (200, "COMPLETED")
    assert messages[-1] == "Denoising 30/30 (100%)"
    assert done.json()["metrics"]["inference_time"] >= 0.5


def lines_of(events: list[dict[str, Any]]) -> list[str]:
    """Return the log lines of all events, in order."""
    logs: list[list[dict[str, str]] | None] = [event["logs"] for event in events]
    return [line["message"] for lines in logs for line in lines or []]


async def test_stream_is_incremental(fal: FalRequests) -> None:
    """The stream sends each log line once, positions as they change, and closes after COMPLETED."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 1})
    await fal.submit(WAN27, QUICK)
    handle = await fal.submit(WAN27, QUICK)
    events = await fal.events(handle)
    messages = lines_of(events)
    assert events[0]["status"] == "IN_QUEUE"
    assert events[-1]["status"] == "COMPLETED"
    assert len(messages) == len(set(messages)) >= 4
    assert [event["status"] for event in await fal.events(handle)] == ["COMPLETED"]


async def test_stream_pings(fal: FalRequests) -> None:
    """A silent stream is kept alive by comments."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 60, "ping_s": 0.05})
    handle = await fal.submit(WAN27, QUICK)
    async with fal.http.stream("GET", f"{handle['status_url']}/stream", headers=fal.key) as stream:
        async for line in stream.aiter_lines():
            if line == ": ping":
                break


async def test_stream_without_logs(fal: FalRequests) -> None:
    """A stream that did not ask for logs has none."""
    handle = await fal.submit(WAN27, QUICK)
    assert all(event["logs"] is None for event in await fal.events(handle, ""))


async def test_result_too_early_and_unknown(fal: FalRequests) -> None:
    """A result asked for too early is a 400; an unknown id is a 404 everywhere, also under another app."""
    await fal.control("settings", {"seconds_per_job": 60})
    handle = await fal.submit(WAN27, QUICK)
    early = await fal.get(handle["response_url"])
    assert (early.status_code, early.json()) == (400, {"detail": "Request is still in progress"})
    for path in (
        "fal-ai/wan/requests/nonesuch",
        "fal-ai/wan/requests/nonesuch/status",
        "fal-ai/wan/requests/nonesuch/status/stream",
        f"{WAN21}/requests/{handle['request_id']}",
    ):
        answer = await fal.get(f"/{path}")
        assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})


async def cancel(fal: FalRequests, handle: dict[str, Any]) -> httpx.Response:
    """PUT the cancel URL."""
    return await fal.http.put(handle["cancel_url"], headers=fal.key)


async def test_cancel(fal: FalRequests) -> None:
    """A queued request is removed (200), a running one asked to stop (202), an ended one left (400); both end 499."""
    await fal.control("settings", {"concurrency": 1, "seconds_per_job": 60})
    running, queued = await fal.submit(WAN27, QUICK), await fal.submit(WAN27, QUICK)
    answers = [await cancel(fal, queued), await cancel(fal, running)]
    assert [(a.status_code, a.json()["status"]) for a in answers] == [(200, "OK"), (202, "CANCELLATION_REQUESTED")]
    for handle in (running, queued):
        assert (await fal.events(handle))[-1]["status"] == "COMPLETED"
        result = await fal.get(handle["response_url"])
        assert result.status_code == 499
        assert result.json() == {"detail": "Request cancelled by the client.", "error_type": "client_cancelled"}
        again = await cancel(fal, handle)
        assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})
    gone = await fal.http.put("/fal-ai/wan/requests/nonesuch/cancel", headers=fal.key)
    assert (gone.status_code, gone.json()) == (404, {"status": "NOT_FOUND"})


async def test_cancel_can_come_too_late(fal: FalRequests) -> None:
    """With ignore_cancel a running request is made, and billed, although its cancel got a 202."""
    await fal.control("settings", {"seconds_per_job": 0.3, "ignore_cancel": True})
    handle = await fal.submit(WAN27, QUICK)
    assert (await cancel(fal, handle)).status_code == 202
    await fal.events(handle)
    assert (await fal.get(handle["response_url"])).status_code == 200


async def test_result_headers_and_output(fal: FalRequests) -> None:
    """A result carries its request id and the billed units, and the same output every time it is read."""
    handle = await fal.submit(WAN21, {"prompt": "x", "image_url": await fal.upload(png(320, 240)), "num_frames": 82})
    await fal.events(handle)
    first, second = await fal.get(handle["response_url"]), await fal.get(handle["response_url"])
    assert first.headers["x-fal-request-id"] == handle["request_id"]
    assert first.headers["x-fal-billable-units"] == "1.25"
    assert first.json() == second.json()
    entry = (await fal.requests())[0]
    assert (entry["state"], entry["billed_units"], entry["result_status"]) == ("COMPLETED", 1.25, 200)
    assert entry["result_reads"] == 2


async def test_prices(fal: FalRequests) -> None:
    """The price list answers in fal's shape, with the key only, and tells unknown ids apart."""
    answer = await fal.get(f"/v1/models/pricing?endpoint_id={WAN27}&endpoint_id={WAN21}")
    assert answer.json() == {
        "prices": [
            {"endpoint_id": WAN27, "unit_price": 0.1, "unit": "second", "currency": "USD"},
            {"endpoint_id": WAN21, "unit_price": 0.4, "unit": "video", "currency": "USD"},
        ],
        "next_cursor": None,
        "has_more": False,
    }
    assert (await fal.http.get(f"/v1/models/pricing?endpoint_id={WAN27}")).status_code == 401
    assert (await fal.get("/v1/models/pricing")).status_code == 400
    assert (await fal.get("/v1/models/pricing?endpoint_id=nonesuch")).status_code == 404


async def test_a_request_can_be_hurried(fal: FalRequests) -> None:
    """The control surface can finish running jobs early, the oldest first, each once."""
    await fal.control("settings", {"seconds_per_job": 3600, "concurrency": 3})
    first, second, third = [await fal.submit(WAN27, QUICK) for _ in range(3)]
    assert (await fal.control("finish", {"count": 2})).json() == {
        "requests": [first["request_id"], second["request_id"]]
    }
    for handle in (first, second):
        assert (await fal.events(handle))[-1]["status"] == "COMPLETED"
        assert (await fal.get(handle["response_url"])).status_code == 200
    assert (await fal.get(third["status_url"])).json()["status"] == "IN_PROGRESS"
    assert (await fal.control("finish", {"count": 9})).json() == {"requests": [third["request_id"]]}
    assert (await fal.control("finish", {"count": 0})).status_code == 400


async def test_traffic_is_counted(fal: FalRequests) -> None:
    """The control surface counts what arrived at the queue by what it asked for, also for each request alone."""
    handle = await fal.submit(WAN27, QUICK)
    await fal.submit(WAN27, QUICK)
    await fal.events(handle)
    await fal.get(handle["response_url"])
    await fal.get(handle["status_url"])
    traffic = (await fal.http.get("/sandbox/traffic")).json()
    of_one = {"submit": 1, "stream": 1, "result": 1, "status": 1}
    assert traffic == {"requests": of_one | {"submit": 2}, "streams": 0, "opening_most": 1}
    assert [one["asked"] for one in await fal.requests()] == [of_one, {"submit": 1}]
    assert (await fal.http.delete("/sandbox/traffic")).json() == {"requests": {}, "streams": 0, "opening_most": 0}
