"""fal's platform API on the wire."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FalAccountError, FalError, FalProtocolError, FalRefused, FalUnreachable
from bot.fal.wire.platform import (
    NANO_MAX,
    BillingEvent,
    PastRequest,
    read_balance,
    read_billing_page,
    read_request_page,
    shown_moment,
)

# As fal's pages show them: https://docs.fal.ai/platform-apis/v1/models/billing-events, …/requests/by-endpoint and
# …/account/billing.
BILL = b"""{"billing_events": [{"request_id": "019e3f5a-0b1c-7d2e", "timestamp": "2025-01-15T12:00:00Z",
"endpoint_id": "fal-ai/wan/v2.7/image-to-video", "output_units": 5, "unit_price": 0.1, "percent_discount": 10,
"cost_subtotal": 0.5, "cost_discount": 0.05, "cost_total": 0.45, "cost_estimate_nano_usd": 450000000}],
"next_cursor": "Mg==", "has_more": true}"""
REQUESTS = b"""{"items": [{"request_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "endpoint_id": "fal-ai/flux/dev",
"started_at": "2025-01-01T00:00:05Z", "sent_at": "2025-01-01T00:00:01Z", "ended_at": "2025-01-01T00:00:08Z",
"status_code": 200, "duration": 7.8, "json_input": {"prompt": "cat astronaut"}, "json_output": {"status": "ok"}}],
"next_cursor": null, "has_more": false}"""
BALANCE = b'{"username": "my-team", "credits": {"current_balance": 24.5, "currency": "USD"}}'
EVENT: dict[str, Any] = json.loads(BILL)["billing_events"][0]


def test_samples() -> None:
    """What fal's own pages show is read."""
    bill = read_billing_page(200, BILL)
    event = BillingEvent(
        request_id="019e3f5a-0b1c-7d2e",
        at=1736942400.0,
        endpoint="fal-ai/wan/v2.7/image-to-video",
        nano_usd=450_000_000,
    )
    assert (bill.items, bill.unreadable, bill.cursor) == ((event,), 0, "Mg==")
    requests = read_request_page(200, REQUESTS)
    assert requests.cursor is None
    assert requests.items == (
        PastRequest(
            request_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
            endpoint="fal-ai/flux/dev",
            sent_at=1735689601.0,
            ended_at=1735689608.0,
            input={"prompt": "cat astronaut"},
        ),
    )
    assert read_balance(200, BALANCE) == 24.5
    assert shown_moment(1736942400.5) == "2025-01-15T12:00:00.500Z"


@pytest.mark.parametrize(
    ("changed", "nano"),
    [
        ({}, 450_000_000),
        ({"cost_estimate_nano_usd": "450000000"}, 450_000_000),
        ({"cost_estimate_nano_usd": 4.5e8}, 450_000_000),
        ({"cost_estimate_nano_usd": None}, 450_000_000),
        ({"cost_estimate_nano_usd": None, "cost_total": "0.45"}, 450_000_000),
        ({"cost_estimate_nano_usd": None, "cost_total": 1e-7}, 100),
        ({"cost_estimate_nano_usd": None, "cost_total": "0.0000000005"}, 0),
        ({"cost_estimate_nano_usd": 0}, 0),
        ({"cost_estimate_nano_usd": "4.5e8", "cost_total": "4.5e-1"}, None),
        ({"cost_estimate_nano_usd": None, "cost_total": None}, None),
        ({"cost_estimate_nano_usd": -450_000_000}, -450_000_000),
        ({"cost_estimate_nano_usd": "-450000000"}, -450_000_000),
        ({"cost_estimate_nano_usd": None, "cost_total": -0.45}, -450_000_000),
        ({"cost_estimate_nano_usd": None, "cost_total": "-0.45"}, -450_000_000),
        ({"cost_estimate_nano_usd": "--1", "cost_total": "--1"}, None),
        ({"cost_estimate_nano_usd": -NANO_MAX}, -NANO_MAX),
        ({"cost_estimate_nano_usd": -NANO_MAX - 1}, None),
        ({"cost_estimate_nano_usd": True, "cost_total": True}, None),
        ({"cost_estimate_nano_usd": NANO_MAX}, NANO_MAX),
        ({"cost_estimate_nano_usd": NANO_MAX + 1}, None),
        ({"cost_estimate_nano_usd": None, "cost_total": 2e6}, None),
        ({"request_id": "a/b"}, None),
        ({"request_id": 7}, None),
        ({"timestamp": "yesterday"}, None),
        ({"timestamp": 1736942400}, None),
        ({"timestamp": "0001-01-01T00:00:00Z"}, None),
        ({"endpoint_id": None}, None),
        ({"timestamp": "2025-01-15 12:00:00"}, 450_000_000),
    ],
)
def test_amounts(changed: dict[str, Any], nano: int | None) -> None:
    """An amount is fal's billionths, else its dollars, also in quotes; a row with anything odd is counted as such."""
    page = read_billing_page(200, json.dumps({"billing_events": [EVENT | changed], "has_more": False}).encode())
    assert [event.nano_usd for event in page.items] == ([] if nano is None else [nano])
    assert page.unreadable == (nano is None)


@given(nano=st.integers(0, NANO_MAX), as_text=st.booleans())
def test_dollars_are_exact(nano: int, as_text: bool) -> None:
    """Dollars with nine decimals are read to the billionth."""
    total = f"{Decimal(nano) / 10**9:f}"
    row = EVENT | {"cost_estimate_nano_usd": None, "cost_total": total if as_text else "X"}
    body = json.dumps({"billing_events": [row]}).replace('"X"', total).encode()
    (event,) = read_billing_page(200, body).items
    assert abs(event.nano_usd - nano) <= (0 if as_text else nano >> 50)  # a JSON number has 53 bits


def test_an_unknown_next_page_is_no_end() -> None:
    """A list that says that there is more, and not where, is not taken for whole."""
    for cursor in ("null", '""', "7"):
        body = f'{{"billing_events": [], "items": [], "has_more": true, "next_cursor": {cursor}}}'.encode()
        for read in (read_billing_page, read_request_page):
            with pytest.raises(FalProtocolError):
                read(200, body)
    assert read_billing_page(200, b'{"billing_events": [], "next_cursor": "x", "has_more": false}').cursor is None
    assert read_billing_page(200, b'{"billing_events": [], "next_cursor": "x"}').cursor == "x"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, FalAccountError), (403, FalAccountError), (400, FalRefused), (429, FalUnreachable), (503, FalUnreachable)],
)
def test_refusals(status: int, error: type[FalError]) -> None:
    """A refusal is a typed error, with the status of a refused key."""
    for read in (read_balance, read_billing_page, read_request_page):
        with pytest.raises(error) as caught:
            read(status, b'{"error": {"type": "x", "message": "y"}}')
        assert not isinstance(caught.value, FalAccountError) or caught.value.status == status


@pytest.mark.parametrize(
    ("told", "balance"),
    [
        ({"current_balance": -3.25, "currency": "USD"}, -3.25),
        ({"current_balance": "-3.25", "currency": "USD"}, -3.25),
        ({"current_balance": "24.50", "currency": "USD"}, 24.5),
        ({"current_balance": "--3", "currency": "USD"}, None),
        ({"current_balance": 24.5, "currency": "EUR"}, None),
        ({"current_balance": None, "currency": "USD"}, None),
        (None, None),
    ],
)
def test_balances(told: object, balance: float | None) -> None:
    """A balance can be negative; anything else that is odd is no balance."""
    body = json.dumps({"credits": told}).encode()
    if balance is None:
        with pytest.raises(FalProtocolError):
            read_balance(200, body)
    else:
        assert read_balance(200, body) == balance


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EVENT, "json_input"]), inner),
    max_leaves=12,
)


@given(rows=JSON, cursor=JSON, more=JSON)
def test_garbage(rows: Any, cursor: Any, more: Any) -> None:
    """Whatever the body holds, it is read or is a FalError, and no amount is out of bounds."""
    body = json.dumps({"billing_events": rows, "items": rows, "credits": rows, "next_cursor": cursor, "has_more": more})
    for read in (read_billing_page, read_request_page, read_balance):
        try:
            found = read(200, body.encode())
        except FalError:
            continue
        assert read is not read_billing_page or all(abs(one.nano_usd) <= NANO_MAX for one in found.items)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]
