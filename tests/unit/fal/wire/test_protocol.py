import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot import errors
from bot.fal.wire import protocol, result

SAMPLES = Path(__file__).parent / "samples"
Row = dict[str, Any]


def rows(name: str) -> list[Any]:
    """Return all samples of a file."""
    return [pytest.param(row, id=row.get("what")) for row in json.loads((SAMPLES / name).read_text())]


def body_of(row: Row) -> bytes:
    """Return the sample's body as bytes on the wire."""
    body = row["body"]
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def holds(row: Row, read: Callable[[bytes], Any]) -> None:
    """Check that the sample is read to its value, or raises its error with these fields."""
    if "error" not in row:
        value = read(body_of(row))
        found = value.model_dump() if isinstance(value, BaseModel) else value
        found = asdict(found) if is_dataclass(found) and not isinstance(found, type) else found
        assert json.loads(json.dumps(found, default=str)) == row["value"]
        return
    with pytest.raises(errors.FalError) as caught:
        read(body_of(row))
    assert type(caught.value).__name__ == row["error"]
    if "status_kept" in row:
        assert isinstance(caught.value, errors.FalRefused)
        assert caught.value.status == row["status_kept"]
    for name in ("kind", "message", "context", "billed_units"):
        if name in row:
            assert getattr(caught.value, name) == row[name]
    if "location" in row:
        assert isinstance(caught.value, errors.FalFailure)
        assert list(caught.value.location) == row["location"]


@pytest.mark.parametrize("row", rows("submit.json"))
def test_submit(row: Row) -> None:
    """A submit is accepted, provably refused, refused for now, or lost; its URLs are always on fal's hosts."""
    holds(
        row,
        lambda body: protocol.read_submit(
            row["status"],
            body,
            endpoint="fal-ai/wan/v2.7/image-to-video",
            queue_url="https://queue.fal.run/",
            backup_url="https://queue.falrun.com",
        ),
    )


@pytest.mark.parametrize("row", rows("status.json"))
def test_status(row: Row) -> None:
    """There are three states; permanent refusals are distinguished from passing errors."""
    if "value" in row:
        row["value"] = {"queue_position": None, "logs": []} | row["value"]
    holds(row, lambda body: protocol.read_status(row["status"], body))


@pytest.mark.parametrize("row", rows("result.json"))
def test_result(row: Row) -> None:
    """A result is a video, a failure with fal's error type, a request to wait, or a passing failure."""
    holds(row, lambda body: result.read_result(row["status"], row.get("headers", {}), body))


@pytest.mark.parametrize("row", rows("cancel.json"))
def test_cancel(row: Row) -> None:
    """A cancel has four answers."""
    holds(row, lambda body: protocol.read_cancel(row["status"], body))


@pytest.mark.parametrize("row", rows("upload.json"))
def test_ticket(row: Row) -> None:
    """An upload's URLs are plain https URLs."""
    holds(row, lambda body: protocol.read_ticket(row["status"], body, rest_url="https://rest.fal.ai"))


@pytest.mark.parametrize("row", rows("prices.json"))
def test_prices(row: Row) -> None:
    """Prices are exact decimals; rows in other shapes are left out."""
    holds(row, lambda body: protocol.read_prices(row["status"], body))


@pytest.mark.parametrize("row", json.loads((SAMPLES / "errors.json").read_text()), ids=lambda row: row["type"])
def test_every_error_type(row: Row) -> None:
    """Each row of fal's error table becomes a failure of that kind, with its numbers."""
    if row["source"] == "model":
        detail = {"loc": ["body", "image_url"], "msg": "No.", "type": row["type"], "url": "…", "ctx": row["ctx"]}
        body: Row = {"detail": [detail]}
    else:
        body = {"detail": "No.", "error_type": row["type"]}
    with pytest.raises(errors.FalFailure) as caught:
        result.read_result(row["status"], {}, json.dumps(body).encode())
    failure = caught.value
    assert (failure.kind, failure.status, failure.message) == (row["type"], row["status"], "No.")
    assert failure.context == row.get("ctx", {})
    assert failure.billed_units is None


HOSTILE = [
    *("1_000", "1e3", "1e13", "1e300", "1E3", "-1", "+1", "-0", "NaN", "nan", "Infinity", "inf", "0x10", "1,000"),
    *("1 000", " 5", "5 ", "5\t", "5\n", "5\x00", "5, 5", "5.", ".5", "5.5.5", "", "five", "$5", "5s", "1/2"),
    *("\u0665", "\uff15", "\u00b2", "5\u200b", "1234567", "1.1234567", "9" * 400, "0." + "0" * 400 + "1"),
]


@pytest.mark.parametrize("units", HOSTILE)
@pytest.mark.parametrize("status", [200, 422])
def test_units_that_are_no_plain_decimal_were_not_said(units: str, status: int) -> None:
    """Billable units become money: anything but at most 6 + 6 ASCII digits means that fal said nothing."""
    body = b'{"video": {"url": "https://v3.fal.media/x.mp4"}, "detail": [{"type": "missing", "msg": "no"}]}'
    try:
        found = result.read_result(status, {"X-Fal-Billable-Units": units}, body).billed_units
    except errors.FalFailure as failure:
        found = failure.billed_units
    assert found is None


@pytest.mark.parametrize(
    ("units", "read"), [("0", 0.0), ("0.0", 0.0), ("007", 7.0), ("5.5", 5.5), ("999999.999999", 999999.999999)]
)
def test_units_that_are_a_plain_decimal(units: str, read: float) -> None:
    """A plain decimal is taken as it is; zero is fal's word that it billed nothing."""
    assert result.billed_units({"x-fal-billable-units": units}) == read


@pytest.mark.parametrize("raw", [*(text for text in HOSTILE if "1234567" not in text), True, None, [5], 1e300, -1])
def test_prices_that_are_no_plain_decimal_are_none(raw: Any) -> None:
    """The price list is held to the same rules."""
    row = {"endpoint_id": "a/b", "unit": "second", "currency": "USD", "unit_price": raw}
    assert protocol.read_prices(200, json.dumps({"prices": [row]}).encode())[0] == {}


@pytest.mark.parametrize(("frames", "fps"), [(2**63 - 1, 5e-324), (10**9, 1e-300)])
def test_a_length_that_no_video_has_is_unknown(frames: int, fps: float) -> None:
    """A length is computed from frames only if it is a number."""
    video = {"url": "https://v3.fal.media/x.mp4", "num_frames": frames, "fps": fps}
    assert result.read_result(200, {}, json.dumps({"video": video}).encode()).seconds is None


@pytest.mark.parametrize("status", [401, 403, 404])
def test_put_refused(status: int) -> None:
    """A refused signed URL says nothing about the key, so the upload restarts."""
    with pytest.raises(errors.FalUnreachable):
        protocol.read_put(status, b"expired")


def test_put_too_large() -> None:
    """A file that the storage does not take is refused for good."""
    with pytest.raises(errors.FalRefused):
        protocol.read_put(413, b"")
    protocol.read_put(204, b"")


def test_submit_url() -> None:
    """Only an endpoint id becomes part of a URL."""
    url = protocol.submit_url("http://127.0.0.1:8421/", "fal-ai/wan-25-preview/image-to-video")
    assert url == "http://127.0.0.1:8421/fal-ai/wan-25-preview/image-to-video"
    for wrong in ("wan", "../x/y", "fal-ai/wan?x=1", "fal-ai//wan", ""):
        with pytest.raises(ValueError, match="endpoint id"):
            protocol.submit_url("http://127.0.0.1:8421", wrong)
