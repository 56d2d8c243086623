import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FalError
from bot.fal.wire import protocol, result
from bot.fal.wire.types import Result
from bot.fal.wire.values import TEXT_MAX, said

STATUSES = st.sampled_from(
    [200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 405, 408, 422, 429, 499, 500, 502, 504, 599]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["https://queue.fal.run/a", "IN_QUEUE", "COMPLETED", "missing", 10**400, -1.5, "\x00", "9" * 5000]
    )
)
NAMES = (
    "request_id status_url response_url cancel_url queue_position status logs metrics inference_time message timestamp",
    "video url file_size duration fps num_frames seed actual_prompt detail type msg loc ctx error error_type",
    "upload_url file_url prices endpoint_id unit_price unit currency next_cursor has_more",
)
KEYS = st.text(max_size=5) | st.sampled_from(" ".join(NAMES).split())
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
BODIES = st.binary(max_size=200) | st.dictionaries(KEYS, JSON, max_size=8).map(lambda v: json.dumps(v).encode())
HEADERS = st.dictionaries(
    st.sampled_from(["X-Fal-Error-Type", "x-fal-billable-units", "X-Fal-Retryable", "Content-Type"]), st.text()
)


def read_everything(status: int, headers: dict[str, str], body: bytes) -> list[Any]:
    """For any reply each parser returns a value or raises a typed error."""
    reads = [
        lambda: protocol.read_submit(
            status, body, endpoint="a/b/c", queue_url="https://queue.fal.run", backup_url="https://queue.falrun.com"
        ),
        lambda: protocol.read_status(status, body),
        lambda: protocol.read_event(body),
        lambda: protocol.read_cancel(status, body),
        lambda: protocol.read_ticket(status, body, rest_url="https://rest.fal.ai"),
        lambda: protocol.read_put(status, body),
        lambda: protocol.read_prices(status, body),
        lambda: result.read_result(status, headers, body),
    ]
    values: list[Any] = []
    for read in reads:
        try:
            values.append(read())
        except FalError as error:
            values.append(error)
    return values


@given(STATUSES, HEADERS, BODIES)
def test_any_reply(status: int, headers: dict[str, str], body: bytes) -> None:
    """Any reply gives a value or a typed error, whose text can be stored and printed."""
    for value in read_everything(status, headers, body):
        words = str(value)
        words.encode()
        assert "\x00" not in words
        if isinstance(value, Result):
            assert value.seed is None or 0 <= value.seed < 2**63


@given(st.dictionaries(KEYS, JSON, max_size=8))
def test_any_video(extra: dict[str, Any]) -> None:
    """No other field can spoil a result with a valid URL."""
    body = json.dumps({**extra, "video": {**extra, "url": "https://v3.fal.media/a.mp4"}}).encode()
    try:
        found = result.read_result(200, {}, body)
    except FalError:
        # NaN and Infinity, which Python writes and JSON does not know, spoil the whole document.
        assert b"NaN" in body or b"Infinity" in body or b"\\ud" in body
    else:
        assert found.url == "https://v3.fal.media/a.mp4"


def test_depth_and_digits() -> None:
    """Deep nesting and endless numbers are typed errors or unknown values, not a crash."""
    for body in (b"[" * 200_000, b'{"a":' * 200_000, b'{"video":{"url":"https://a.b/c","width":' + b"9" * 6000 + b"}}"):
        read_everything(200, {}, body)
        read_everything(422, {}, body)


def test_words_are_bounded() -> None:
    """An error quotes a bounded piece of a reply, without control characters."""
    assert said(b'{"detail":"' + b"x" * 100_000 + b'"}') == "x" * 300
    assert said(b"\x1b[31mred\x00" + b"y" * 1000).startswith("[31mredyy")
    assert said(b"") == "no text"
    assert TEXT_MAX > 300
