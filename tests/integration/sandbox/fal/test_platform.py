"""The stand-in's platform API: past requests, the bill and the balance."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.fal.server import ADMIN_KEY
from tests.support.fal_requests import QUICK, WAN27, FalRequests
from tests.support.media_samples import png

ADMIN = {"Authorization": f"Key {ADMIN_KEY}"}
BILL = "/v1/models/billing-events"
REQUESTS = f"/v1/models/requests/by-endpoint?endpoint_id={WAN27}"


async def bill(fal: FalRequests, query: str = "") -> dict[str, Any]:
    """Return a page of the bill."""
    return (await fal.http.get(BILL + query, headers=ADMIN)).raise_for_status().json()


async def test_keys_are_told_apart(fal: FalRequests) -> None:
    """The bill and the balance need the admin key; the list of requests takes both; no key is 401."""
    for path in (BILL, "/v1/account/billing?expand=credits"):
        assert (await fal.http.get(path)).status_code == 401
        refused = await fal.get(path)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "authorization_error")
        assert (await fal.http.get(path, headers=ADMIN)).status_code == 200
    assert (await fal.http.get(REQUESTS)).status_code == 401
    assert (await fal.get(REQUESTS)).json() == {"items": [], "next_cursor": None, "has_more": False}
    account = await fal.http.get("/v1/account/billing?expand=credits", headers=ADMIN)
    assert account.json() == {"username": "sandbox", "credits": {"current_balance": 24.5, "currency": "USD"}}


async def test_an_ended_request_is_listed_and_billed(fal: FalRequests) -> None:
    """A request that has ended is listed with its input, and billed what its units cost, less the discount."""
    await fal.control("settings", {"discount_percent": 10})
    url = await fal.upload(png(320, 240))
    body = QUICK | {"image_url": url}
    handle = await fal.submit(WAN27, body)
    await fal.events(handle)
    (item,) = (await fal.get(f"{REQUESTS}&expand=payloads")).json()["items"]
    assert item["request_id"] == handle["request_id"]
    assert (item["endpoint_id"], item["status_code"], item["json_input"]) == (WAN27, 200, body)
    assert "json_input" not in (await fal.get(REQUESTS)).json()["items"][0]
    (event,) = (await bill(fal))["billing_events"]
    assert {name: event[name] for name in ("request_id", "endpoint_id", "output_units", "unit_price")} == {
        "request_id": handle["request_id"],
        "endpoint_id": WAN27,
        "output_units": 2.0,
        "unit_price": 0.1,
    }
    assert (event["cost_subtotal"], event["cost_discount"], event["cost_total"]) == (0.2, 0.02, 0.18)
    assert event["cost_estimate_nano_usd"] == 180_000_000
    assert datetime.fromisoformat(event["timestamp"]).tzinfo == UTC
    await fal.control("settings", {"decimal_texts": True, "store_payloads": False})
    assert (await bill(fal))["billing_events"][0]["cost_total"] == "0.18"
    assert "json_input" not in (await fal.get(f"{REQUESTS}&expand=payloads")).json()["items"][0]


async def test_bills_come_late_change_and_are_missing(fal: FalRequests) -> None:
    """Listing takes a while; a bill can be left out, be changed, come twice, and be another program's."""
    handle = await fal.submit(WAN27, QUICK)
    await fal.events(handle)
    await fal.control("settings", {"listed_after_s": 600})
    assert (await bill(fal))["billing_events"] == (await fal.get(REQUESTS)).json()["items"] == []
    await fal.control("settings", {"clock_ahead_s": 601})
    assert len((await bill(fal))["billing_events"]) == len((await fal.get(REQUESTS)).json()["items"]) == 1
    own = handle["request_id"]
    await fal.control("bill", {"request": own, "is_missing": True, "is_unlisted": True})
    assert (await bill(fal))["billing_events"] == (await fal.get(REQUESTS)).json()["items"] == []
    await fal.control("bill", {"request": own, "is_missing": False, "nano_usd": 5, "further_nano_usd": [7]})
    other = {"request": "other-1", "endpoint": "fal-ai/flux/dev", "nano_usd": 9, "ago_s": 3600}
    assert (await fal.control("bill", other)).status_code == 200
    events = (await bill(fal))["billing_events"]
    assert [(one["request_id"], one["cost_estimate_nano_usd"]) for one in events] == [
        ("other-1", 9),
        (own, 5),
        (own, 7),
    ]
    assert (await fal.http.get("/sandbox/bill")).json()["nano_usd"] == 21
    assert (await fal.control("bill", {"request": "nonesuch", "nano_usd": 1})).status_code == 400


async def test_pages_and_bounds(fal: FalRequests) -> None:
    """Pages follow their cursor, and options beyond fal's bounds are refused."""
    for n in range(5):
        await fal.control("bill", {"request": f"other-{n}", "endpoint": WAN27, "nano_usd": n, "ago_s": 60 - n})
    amounts: list[int] = []
    cursor = ""
    while True:
        page = await bill(fal, f"?limit=2{cursor}")
        amounts += [one["cost_estimate_nano_usd"] for one in page["billing_events"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert amounts == [0, 1, 2, 3, 4]
    for query in ("?limit=0", "?limit=10001", "?cursor=x", "?start=yesterday", "?start=2020-01-01&end=2026-01-01"):
        assert (await fal.http.get(BILL + query, headers=ADMIN)).status_code == 400
    assert (await fal.get(f"{REQUESTS}&limit=101")).status_code == 400
    assert (await fal.get("/v1/models/requests/by-endpoint")).status_code == 400
    many = "&".join(f"endpoint_id=fal-ai/{n}" for n in range(51))
    assert (await fal.get(f"/v1/models/requests/by-endpoint?{many}")).status_code == 400


@pytest.mark.parametrize(("point", "path"), [("billing", BILL), ("account", "/v1/account/billing")])
async def test_faults(fal: FalRequests, point: str, path: str) -> None:
    """A planned fault answers in place of the platform's routes, once."""
    await fal.control("faults", {"at": point, "status": 503})
    await fal.control("faults", {"at": point, "status": 200, "body": "no JSON"})
    assert (await fal.http.get(path, headers=ADMIN)).status_code == 503
    assert (await fal.http.get(path, headers=ADMIN)).text == "no JSON"
    assert (await fal.http.get(path, headers=ADMIN)).status_code == 200
