"""Discord's rate limits: a bucket per route and major parameter, and 50 requests per second in total.

https://discord.com/developers/docs/topics/rate-limits
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.discord.clock import Clock
from sandbox.discord.wire import Json

GLOBAL_PER_SECOND = 50
BUCKETS_KEPT = 20_000
INVALID_WINDOW_S = 600
TOO_MANY = 429
INVALID = frozenset({401, 403, TOO_MANY})


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A route's limit: `limit` requests per `per_s`, in a bucket for each value of the `major` parameters."""

    name: str
    limit: int
    per_s: float
    major: tuple[str, ...] = ()

    def key(self, params: Mapping[str, str]) -> str:
        """Return the name of the request's bucket."""
        return ":".join((self.name, *(params[name] for name in self.major)))


class RateLimited(Exception):  # noqa: N818 - what happened reads better where it is caught
    """The request is over a rate limit: wait `retry_after_s`. `scope` is `user`, `shared` or `global`."""

    def __init__(self, retry_after_s: float, scope: str, headers: dict[str, str]) -> None:
        super().__init__(f"wait {retry_after_s:.3f} s ({scope})")
        self.retry_after_s = retry_after_s
        self.scope = scope
        self.headers = headers

    def body(self) -> Json:
        """Return the JSON of the 429."""
        return {
            "message": "You are being rate limited.",
            "retry_after": round(self.retry_after_s, 3),
            "global": self.scope == "global",
        }


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


@dataclass(slots=True)
class RateLimits:
    """Counts requests in fixed windows of the sandbox's time, and those over a limit."""

    clock: Clock
    global_per_second: int = GLOBAL_PER_SECOND
    _windows: dict[str, _Window] = field(default_factory=dict[str, _Window])
    _by_bot_token: Counter[str] = field(default_factory=Counter[str])
    _hits: Counter[str] = field(default_factory=Counter[str])
    _invalid: Counter[str] = field(default_factory=Counter[str])
    _invalid_since: float = 0.0

    def take(self, rate: RateLimit, params: Mapping[str, str]) -> dict[str, str]:
        """Count one request and return the bucket's headers.

        Raises:
            TooMany: the bucket is empty.
        """
        window = self._window(rate.key(params), rate.per_s)
        left = rate.limit - window.used - 1
        wait_s = max(0.001, window.ends - self.clock.now())
        headers = {
            "X-RateLimit-Limit": str(rate.limit),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Reset": f"{window.ends:.3f}",
            "X-RateLimit-Reset-After": f"{wait_s:.3f}",
            "X-RateLimit-Bucket": bucket_hash(rate.name),
        }
        if left < 0:
            raise RateLimited(wait_s, "user", headers)
        window.used += 1
        return headers

    def take_global(self) -> None:
        """Count one request against the bot's global limit.

        Raises:
            RateLimited: the limit of this second is used up.
        """
        window = self._window("global", 1.0)
        if window.used >= self.global_per_second:
            raise RateLimited(max(0.001, window.ends - self.clock.now()), "global", {"X-RateLimit-Global": "true"})
        window.used += 1

    def _window(self, key: str, per_s: float) -> _Window:
        now = self.clock.now()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            if len(self._windows) >= BUCKETS_KEPT:
                self._windows = {k: w for k, w in self._windows.items() if w.ends > now}
            window = self._windows[key] = _Window(now + per_s)
        return window

    def record(self, status: int, route: str, *, is_shared: bool = False, with_bot_token: bool = False) -> None:
        """Count an answer for `report`; a 429 of a shared limit is no invalid request.

        https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
        """
        if with_bot_token:
            self._by_bot_token[route] += 1
        if status == TOO_MANY:
            self._hits[route] += 1
        if status not in INVALID or is_shared:
            return
        if self.clock.now() - self._invalid_since > INVALID_WINDOW_S:
            self._invalid.clear()
            self._invalid_since = self.clock.now()
        self._invalid[str(status)] += 1

    def report(self) -> Json:
        """Return the body of `GET /sandbox/limits`.

        It has the requests with the bot's token and the 429s by route, and 401, 403 and 429 of the last ten minutes.
        """
        return {
            "with_bot_token": dict(self._by_bot_token),
            "rate_limited": self._hits.total(),
            "by_route": dict(self._hits),
            "invalid_requests": self._invalid.total(),
            "invalid_by_status": dict(self._invalid),
        }


def bucket_hash(name: str) -> str:
    """Return the opaque name of a bucket."""
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
