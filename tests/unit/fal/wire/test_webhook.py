import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from bot.errors import FalProtocolError
from bot.fal.wire import webhook

SAMPLES = json.loads((Path(__file__).parent / "samples" / "webhooks.json").read_text())
KEY = SigningKey(bytes(range(32)))
NOW = 1_795_000_000.0
REQUEST_ID = "123e4567-e89b-12d3-a456-426614174000"
BODY = json.dumps(SAMPLES[0]["body"]).encode()


def signed(
    body: bytes = BODY, *, key: SigningKey = KEY, at: float = NOW, request_id: str = REQUEST_ID
) -> dict[str, str]:
    """Return the headers that fal sends with the body."""
    digest = sha256(body).hexdigest()
    text = f"{request_id}\nuser-1\n{int(at)}\n{digest}"
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": "user-1",
        "X-Fal-Webhook-Timestamp": str(int(at)),
        "X-Fal-Webhook-Signature": key.sign(text.encode()).signature.hex(),
    }


def test_a_signature_of_fal_is_known() -> None:
    """The signature covers ids, time and the raw body, and any of fal's keys may have made it."""
    keys = [SigningKey(bytes(32)).verify_key, KEY.verify_key]
    signature = webhook.read_signature(signed())
    assert signature is not None
    assert signature.is_of(BODY, keys)
    assert not signature.is_of(BODY + b" ", keys)
    assert not signature.is_of(BODY, keys[:1])
    assert not signature.is_of(BODY, [])


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp"])
def test_a_changed_header_breaks_the_signature(name: str) -> None:
    """Who changes one of the signed headers has no signature any more."""
    headers = signed() | {f"X-Fal-Webhook-{name}": "17"}
    signature = webhook.read_signature(headers)
    assert signature is not None
    assert not signature.is_of(BODY, [KEY.verify_key])


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp", "Signature"])
@pytest.mark.parametrize("value", [None, "", "x\ny", "é", "-1", "1e9", "9" * 300, "zz" * 64])
def test_headers_that_are_no_signature(name: str, value: str | None) -> None:
    """A header that is missing or not of its form is never taken for a signature of the body."""
    headers = {key: text for key, text in signed().items() if not key.endswith(name)}
    signature = webhook.read_signature(headers if value is None else headers | {f"X-Fal-Webhook-{name}": value})
    assert signature is None or not signature.is_of(BODY, [KEY.verify_key])


@pytest.mark.parametrize(("late_s", "fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes(late_s: float, fresh: bool) -> None:
    """fal's documentation has receivers refuse a timestamp more than 300 s away."""
    signature = webhook.read_signature(signed(at=NOW))
    assert signature is not None
    assert signature.is_fresh(NOW + late_s) == fresh


@pytest.mark.parametrize("row", SAMPLES, ids=[row["what"] for row in SAMPLES])
def test_the_documented_bodies(row: dict[str, Any]) -> None:
    """A body names its request, or is refused."""
    body = row["body"].encode() if isinstance(row["body"], str) else json.dumps(row["body"]).encode()
    if row["request_id"] is None:
        with pytest.raises(FalProtocolError):
            webhook.read_request_id(body)
    else:
        assert webhook.read_request_id(body) == row["request_id"]


@given(st.binary(max_size=300))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No body makes the reader fail in another way."""
    for read in (webhook.read_request_id, webhook.read_keys):
        with pytest.raises(FalProtocolError):
            read(body)


def jwk(key: SigningKey) -> dict[str, str]:
    """Return a key as fal lists it."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(bytes(key.verify_key)).decode().rstrip("=")}


def test_the_key_set() -> None:
    """Ed25519 keys are read in their order, at most sixteen; entries that are none are passed over."""
    keys = [SigningKey(bytes([n]) * 32) for n in range(20)]
    odd: list[Any] = [None, {}, {"x": 7}, {"x": "*"}, {"x": "AAAA"}, {"x": "A" * 10_000}]
    found = webhook.read_keys(json.dumps({"keys": [*odd, *map(jwk, keys)]}).encode())
    assert found == tuple(key.verify_key for key in keys[:16])


@pytest.mark.parametrize("body", [{}, {"keys": None}, {"keys": []}, {"keys": [{"x": "AAAA"}]}, []])
def test_a_key_set_without_keys(body: Any) -> None:
    """Without a key nothing can be believed."""
    with pytest.raises(FalProtocolError):
        webhook.read_keys(json.dumps(body).encode())


def test_the_address_is_one_jobs_alone() -> None:
    """An address is made of the job's id, which is public, and of what only Wanda can compute."""
    url = webhook.webhook_url("https://wanda.example/bot/", b"key", "a" * 32)
    start, _, mac = url.rpartition("/")
    assert (start, len(mac)) == (f"https://wanda.example/bot/fal/{'a' * 32}", 40)
    assert webhook.is_mac_of(mac, b"key", "a" * 32)
    for other in (mac[:-1], mac.upper(), "", "é", mac[:-1] + ("0" if mac[-1] != "0" else "1")):
        assert not webhook.is_mac_of(other, b"key", "a" * 32)
    assert not webhook.is_mac_of(mac, b"key", "b" * 32)
    assert not webhook.is_mac_of(mac, b"other", "a" * 32)
