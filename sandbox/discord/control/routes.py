"""The control routes over HTTP. A refusal is a 400 with `{"error": "<a sentence>"}`."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from aiohttp import web

from sandbox.discord.control import actions, changes, gateway, integrations, views
from sandbox.discord.control.request import ControlRefused, ControlRequest
from sandbox.discord.core import Core
from sandbox.discord.wire import ApiError, Json, dumps

log = logging.getLogger(__name__)

ACTIONS: dict[str, Callable[[ControlRequest], Awaitable[Json]]] = {
    "slash": actions.slash,
    "burst": actions.burst,
    "autocomplete": actions.autocomplete,
    "menu": actions.menu,
    "click": actions.click,
    "submit": actions.submit,
    "say": actions.say,
    "react": actions.react,
    "unreact": actions.unreact,
    "delete": actions.delete,
    "world": changes.add_to_world,
    "change": changes.change_world,
    "gone": changes.remove_from_world,
    "integrations": integrations.set_command_permissions,
    "faults": changes.add_fault,
    "advance": changes.advance_clock,
    "gateway": gateway.disturb_gateway,
}
VIEWS: dict[str, Callable[[Core, Mapping[str, str]], Any]] = {
    "messages": views.messages,
    "videos": views.video_times,
    "commands": views.commands,
    "limits": views.limits,
    "state": views.state,
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def register(router: web.UrlDispatcher, core: Core) -> None:
    """Add the control routes."""
    for name, act in ACTIONS.items():
        router.add_post(f"/sandbox/{name}", _action_handler(core, act))
    for name, view in VIEWS.items():
        router.add_get(f"/sandbox/{name}", _view_handler(core, view))
    router.add_delete("/sandbox/faults", _action_handler(core, changes.clear_faults))
    router.add_get("/sandbox/transcript", _transcript(core))
    router.add_delete("/sandbox/transcript", _clear_transcript(core))


def _action_handler(core: Core, act: Callable[[ControlRequest], Awaitable[Json]]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return _json(await act(ControlRequest(core, _json_object(await request.read()))))
        except ControlRefused as refused:
            return _json({"error": str(refused)}, status=400)
        except ApiError as error:
            return _json({"error": error.message} | error.body(), status=400)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("An order could not be read", exc_info=True)
            return _json({"error": f"The order cannot be read: {error!r}"}, status=400)

    return handle


def _json_object(text: bytes) -> Json:
    try:
        body: Any = json.loads(text) if text else {}
    except ValueError as error:
        raise ControlRefused(f"The order is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ControlRefused("An order is a JSON object.")
    return cast("Json", body)


def _view_handler(core: Core, view: Callable[[Core, Mapping[str, str]], Any]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return _json(view(core, request.query))
        except (ControlRefused, ValueError) as refused:
            return _json({"error": str(refused)}, status=400)

    return handle


def _transcript(core: Core) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=b"".join(core.transcript.lines()), content_type="application/x-ndjson")

    return handle


def _clear_transcript(core: Core) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        core.transcript.clear()
        return _json({"ok": True})

    return handle


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=dumps(value), status=status, content_type="application/json")
