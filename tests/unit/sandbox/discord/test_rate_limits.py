"""Rate limits, faults and the clock of the Discord stand-in."""

import pytest

from sandbox.discord.clock import Clock, Snowflakes
from sandbox.discord.faults import DiscordFault, DiscordFaults
from sandbox.discord.rate_limits import RateLimit, RateLimited, RateLimits
from sandbox.discord.wire import ApiError

RATE = RateLimit("messages", 2, 5.0, ("channel_id",))


def still_clock() -> Clock:
    """A clock that only `advance` moves."""
    return Clock(wall=lambda: 1_700_000_000.0, monotonic=lambda: 50.0)


def test_a_bucket_fills_up_and_empties_with_time() -> None:
    """Requests over the limit wait for the window's end, in their own channel only."""
    clock = still_clock()
    limits = RateLimits(clock)
    assert [limits.take(RATE, {"channel_id": "1"})["X-RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    with pytest.raises(RateLimited) as over:
        limits.take(RATE, {"channel_id": "1"})
    assert (over.value.retry_after_s, over.value.scope, over.value.body()["global"]) == (5.0, "user", False)
    limits.take(RATE, {"channel_id": "2"})
    clock.advance(5.0)
    assert limits.take(RATE, {"channel_id": "1"})["X-RateLimit-Remaining"] == "1"


def test_the_global_limit_counts_every_route() -> None:
    """The request after the last one of a second is refused for all routes."""
    clock = still_clock()
    limits = RateLimits(clock, 3)
    for _ in range(3):
        limits.take_global()
    with pytest.raises(RateLimited, match="global"):
        limits.take_global()
    clock.advance(1.0)
    limits.take_global()


def test_refused_requests_are_counted() -> None:
    """The report tells the 429s by route, and the 401, 403 and 429 of the last ten minutes."""
    clock = still_clock()
    limits = RateLimits(clock)
    for status in (200, 401, 429, 403, 404):
        limits.record(status, "GET /x")
    report = limits.report()
    assert (report["rate_limited"], report["by_route"], report["invalid_requests"]) == (1, {"GET /x": 1}, 3)
    clock.advance(601)
    limits.record(401, "GET /x")
    assert limits.report()["invalid_requests"] == 1


def test_ids_grow_and_carry_the_time() -> None:
    """Two ids of the same millisecond differ, and a later id is larger after the clock moved."""
    clock = still_clock()
    ids = Snowflakes(clock)
    first, second = ids.next(), ids.next()
    clock.advance(1.0)
    third = ids.next()
    assert first < second < third
    assert (third >> 22) - (first >> 22) == 1000


def test_the_clock_does_not_go_back() -> None:
    """Moving the clock by a negative number is refused."""
    with pytest.raises(ApiError):
        still_clock().advance(-1)


def test_a_fault_strikes_the_asked_number_of_times() -> None:
    """It meets its method and path only, is counted down, and lets the later ones through after it."""
    faults = DiscordFaults()
    faults.add(DiscordFault.parse({"method": "PATCH", "path": "/channels/*", "status": 500, "times": 2}))
    faults.add(DiscordFault.parse({"method": "patch", "path": "/api/v10/channels/1/messages/*", "status": 503}))
    assert faults.take("GET", "/channels/1/messages/2") is None
    struck = [faults.take("PATCH", "/channels/1/messages/2") for _ in range(4)]
    assert [fault and fault.status for fault in struck] == [500, 500, 503, 503]
    faults.clear()
    assert faults.take("PATCH", "/channels/1/messages/2") is None


@pytest.mark.parametrize("order", [{}, {"path": "/x"}, {"status": 500, "time": 1}])
def test_a_fault_that_says_nothing_is_refused(order: dict[str, object]) -> None:
    """An order with an unknown key, or one that would do nothing, is an error."""
    with pytest.raises(ValueError, match="A fault"):
        DiscordFault.parse(order)


def test_a_shared_limit_is_no_invalid_request() -> None:
    """A 429 of a limit that others share counts as a hit, but not toward the ban for invalid requests."""
    limits = RateLimits(still_clock())
    limits.record(429, "GET /x", is_shared=True)
    limits.record(429, "GET /x")
    report = limits.report()
    assert (report["rate_limited"], report["invalid_requests"]) == (2, 1)
