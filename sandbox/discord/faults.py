"""Planned faults: the next answers of a route fail, come late, or never come."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from sandbox.discord.rate_limits import TOO_MANY
from sandbox.discord.wire import Json

KEYS = {
    "method",
    "path",
    "status",
    "times",
    "delay_s",
    "drop",
    "retry_after",
    "code",
    "message",
    "after",
    "body",
    "html",
}


@dataclass(slots=True)
class DiscordFault:
    """One planned fault. `left`: how often it still applies (None: for ever). `after`: carry the request out first.

    `html` answers as Cloudflare does, which stands before Discord: with a page, and a 429 without `Via`, its ban.
    """

    method: str
    path: str
    status: int | None
    code: int
    message: str
    delay_s: float
    drop: bool
    after: bool
    retry_after_s: float | None
    body: Any
    left: int | None
    html: bool = False

    @classmethod
    def parse(cls, order: Json) -> "DiscordFault":
        """Read the body of `POST /sandbox/faults`.

        Raises:
            ValueError: a key is unknown, or the fault would do nothing.
        """
        if extra := set(order) - KEYS:
            raise ValueError(f"A fault has no {', '.join(sorted(extra))}; it knows {', '.join(sorted(KEYS))}.")
        retry_after = order.get("retry_after")
        status = order.get("status", TOO_MANY if retry_after is not None else None)
        if status is None and not order.get("drop") and not order.get("delay_s"):
            raise ValueError("A fault needs a status, a delay_s, a retry_after or drop.")
        return cls(
            method=str(order.get("method", "*")).upper(),
            path=str(order.get("path", "*")).removeprefix("/api/v10"),
            status=None if status is None else int(status),
            code=int(order.get("code", 0)),
            message=str(order.get("message", f"Ordered by the test: {status}")),
            delay_s=float(order.get("delay_s", 0)),
            drop=bool(order.get("drop", False)),
            after=bool(order.get("after", False)),
            retry_after_s=None if retry_after is None else float(retry_after),
            body=order.get("body"),
            left=None if order.get("times") is None else int(order["times"]),
            html=bool(order.get("html", False)),
        )

    def matches(self, method: str, path: str) -> bool:
        """Return whether it applies to this request."""
        return self.left != 0 and self.method in {"*", method} and fnmatchcase(path, self.path)

    def answer(self) -> Json:
        """Return the body of the failing answer."""
        if self.body is not None:
            return self.body
        if self.status == TOO_MANY:
            answer: Json = {"message": self.message, "retry_after": self.retry_after_s or 1.0, "global": False}
            return answer | ({"code": self.code} if self.code else {})
        return {"message": self.message, "code": self.code}


PAGE = """<!DOCTYPE html>
<html lang="en-US"><head><title>discord.com | {status}: {reason}</title></head>
<body><h1>{reason}</h1><p>Error code {status}. Cloudflare Ray ID: 8f0000000000abcd</p></body></html>
"""


def page(status: int) -> bytes:
    """Return the page that Cloudflare shows with this status."""
    reason = "You are being rate limited" if status == TOO_MANY else HTTPStatus(status).phrase
    return PAGE.format(status=1015 if status == TOO_MANY else status, reason=reason).encode()


class DiscordFaults:
    """The planned faults, oldest first."""

    def __init__(self) -> None:
        self._faults: list[DiscordFault] = []

    def add(self, fault: DiscordFault) -> None:
        """Add a fault."""
        self._faults.append(fault)

    def __iter__(self) -> Iterator[DiscordFault]:
        return iter(self._faults)

    def drop(self, fault: DiscordFault) -> None:
        """Remove one planned fault, if it is still there."""
        self._faults = [one for one in self._faults if one is not fault]

    def clear(self) -> None:
        """Remove every fault."""
        self._faults.clear()

    def take(self, method: str, path: str) -> DiscordFault | None:
        """Return the fault for this request, counted as used; None when there is none."""
        for fault in self._faults:
            if fault.matches(method, path):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left == 0:
                        self._faults.remove(fault)
                return fault
        return None
