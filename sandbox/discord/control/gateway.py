"""Control requests that disturb the gateway's connections, and set its limits."""

from collections.abc import Awaitable, Callable

from sandbox.discord.control.request import ControlRefused, ControlRequest
from sandbox.discord.schema import as_list
from sandbox.discord.wire import Json

LIMITS = (
    *("identify_interval_s", "max_concurrency", "total", "remaining", "reset_after_s"),
    *("shards", "servers_per_shard_max", "closes_older_session"),
)


async def disturb_gateway(request: ControlRequest) -> Json:
    """Disturb the connections of every `shard`, or of one, or set a limit: see `GATEWAY_ACTIONS`."""
    request.check_keys("action", "code", "event", "events", "seconds", "shard", *LIMITS)
    action = GATEWAY_ACTIONS.get(request.text("action"))
    if action is None:
        raise ControlRefused(f"The gateway can {', '.join(GATEWAY_ACTIONS)}.")
    await action(request)
    return {"ok": True}


def _shard(request: ControlRequest) -> int | None:
    return int(request.text("shard")) if "shard" in request.body else None


async def _reconnect(request: ControlRequest) -> None:
    request.core.gateway.ask_reconnect(_shard(request))


async def _invalidate(request: ControlRequest) -> None:
    is_resumable = request.text("action") == "invalidate_resumable"
    request.core.gateway.invalidate(_shard(request), resumable=is_resumable)


async def _cut(request: ControlRequest) -> None:
    request.core.gateway.cut(_shard(request))


async def _close(request: ControlRequest) -> None:
    await request.core.gateway.close(int(request.text("code")), _shard(request))


async def _repeat(request: ControlRequest) -> None:
    if not request.core.gateway.event_faults.repeat(request.text("event")):
        raise ControlRefused(f"There was no {request.text('event')} yet.")


async def _double(request: ControlRequest) -> None:
    request.core.gateway.event_faults.doubled = _event_names(request)


async def _hold(request: ControlRequest) -> None:
    request.core.gateway.event_faults.hold(_event_names(request))


async def _release(request: ControlRequest) -> None:
    request.core.gateway.event_faults.release()


async def _set_identify_interval(request: ControlRequest) -> None:
    request.core.gateway.starts.interval_s = float(request.text("seconds"))


async def _set_limits(request: ControlRequest) -> None:
    """Set what is given of: how often the bot may IDENTIFY, and what a shard may be."""
    body, starts, rules = request.body, request.core.gateway.starts, request.core.gateway.shard_rules
    starts.interval_s = float(body.get("identify_interval_s", starts.interval_s))
    starts.max_concurrency = max(1, int(body.get("max_concurrency", starts.max_concurrency)))
    starts.total = int(body.get("total", starts.total))
    if "remaining" in body or "reset_after_s" in body:
        starts.renew_in(float(body.get("reset_after_s", starts.limit()["reset_after"] / 1000)))
        starts.used = starts.total - int(body.get("remaining", starts.total - starts.used))
    if "shards" in body:
        rules.recommended = None if body["shards"] is None else int(body["shards"])
    rules.servers_max = int(body.get("servers_per_shard_max", rules.servers_max))
    rules.closes_older_session = bool(body.get("closes_older_session", rules.closes_older_session))


def _event_names(request: ControlRequest) -> frozenset[str]:
    return frozenset(str(name) for name in as_list(request.body.get("events")))


GATEWAY_ACTIONS: dict[str, Callable[[ControlRequest], Awaitable[None]]] = {
    "reconnect": _reconnect,
    "invalidate": _invalidate,
    "invalidate_resumable": _invalidate,
    "cut": _cut,
    "close": _close,
    "repeat": _repeat,
    "double": _double,
    "hold": _hold,
    "release": _release,
    "identify_interval": _set_identify_interval,
    "limits": _set_limits,
}
