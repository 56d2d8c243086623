"""fal's webhooks: their address, their signature, and what their body says.

fal POSTs to the address that a submit named when the request has ended, signed with Ed25519, and again until the answer
is a success (https://docs.fal.ai/documentation/model-apis/inference/webhooks). A signature proves that fal sent it, not
that the request is ours: what was made and billed is asked of fal with our own key.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from bot.errors import FalProtocolError
from bot.fal.wire.addresses import WEBHOOK_PATH
from bot.fal.wire.values import object_of

FRESH_S = 300.0  # fal's own tolerance for the time of a signature
KEYS_MAX = 16
_MAC_BYTES = 20
_NAMES = ("Request-Id", "User-Id", "Timestamp", "Signature")
_WORD = re.compile(r"[!-~]{1,200}")
_STAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9A-Fa-f]{128}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of one webhook, with the other headers that it covers, as they were written."""

    request_id: str
    user_id: str
    timestamp: str
    signature: bytes

    def is_fresh(self, now: float) -> bool:
        """Return whether it was made within `FRESH_S` of `now` (Unix seconds)."""
        return abs(now - int(self.timestamp)) <= FRESH_S

    def is_of(self, body: bytes, keys: Iterable[VerifyKey]) -> bool:
        """Return whether one of the keys made it for this body."""
        text = "\n".join((self.request_id, self.user_id, self.timestamp, sha256(body).hexdigest())).encode()
        return any(_verifies(key, text, self.signature) for key in keys)


def _verifies(key: VerifyKey, text: bytes, signature: bytes) -> bool:
    try:
        key.verify(text, signature)
    except BadSignatureError:
        return False
    return True


def read_signature(headers: Mapping[str, str]) -> Signature | None:
    """Return the signature in a webhook's headers; None if one of the four is missing or not of its form."""
    request_id, user_id, timestamp, signature = (headers.get(f"X-Fal-Webhook-{name}", "") for name in _NAMES)
    if not (_WORD.fullmatch(request_id) and _WORD.fullmatch(user_id) and _STAMP.fullmatch(timestamp)):
        return None
    return (
        Signature(request_id, user_id, timestamp, bytes.fromhex(signature)) if _SIGNATURE.fullmatch(signature) else None
    )


def read_request_id(body: bytes) -> str:
    """Return the id of the request that a webhook's body is about, as the queue knows it.

    The body's `gateway_request_id` is another one after fal has tried the request again.

    Raises:
        FalProtocolError: it is no such body.
    """
    request_id = object_of(body).get("request_id")
    if not isinstance(request_id, str) or not _REQUEST_ID.fullmatch(request_id):
        raise FalProtocolError("fal's webhook names no request")
    return request_id


def read_keys(body: bytes) -> tuple[VerifyKey, ...]:
    """Return the first `KEYS_MAX` Ed25519 keys of fal's JSON Web Key Set; any of them may have signed a webhook.

    Raises:
        FalProtocolError: there is none.
    """
    listed = object_of(body).get("keys")
    found = [key for one in cast("list[object]", listed) if (key := _key(one))] if isinstance(listed, list) else []
    if not found:
        raise FalProtocolError("fal's key set holds no Ed25519 key")
    return tuple(found[:KEYS_MAX])


def _key(entry: object) -> VerifyKey | None:
    """Return the key in an entry, whose `x` is its bytes in base64url without padding; None for other kinds of keys."""
    if not isinstance(entry, dict):
        return None
    x = cast("dict[str, Any]", entry).get("x")
    if not isinstance(x, str) or len(x) > 64:  # noqa: PLR2004 - 32 bytes take 43 characters
        return None
    try:
        return VerifyKey(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    except (binascii.Error, ValueError):
        return None


def mac_of(key: bytes, job_id: str) -> str:
    """Return what proves that Wanda herself made a job's webhook address: job ids are public."""
    return hmac.digest(key, f"fal webhook {job_id}".encode(), "sha256")[:_MAC_BYTES].hex()


def is_mac_of(mac: str, key: bytes, job_id: str) -> bool:
    """Return whether `mac` is `mac_of` the job, in a time that tells nothing about it."""
    return mac.isascii() and job_id.isascii() and hmac.compare_digest(mac, mac_of(key, job_id))


def webhook_url(public_url: str, key: bytes, job_id: str) -> str:
    """Return the address that fal is to call when the job's request has ended."""
    return public_url.rstrip("/") + WEBHOOK_PATH.format(job=job_id, mac=mac_of(key, job_id))
