"""Whether a POST to WANDA_PUBLIC_URL comes to Wanda's web server, asked from here."""

import json
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from bot.errors import SettingsRefused
from bot.fal.wire.addresses import WEBHOOK_PATH
from bot.settings import WebSettings
from bot.web.server import Route, WebServer

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4096
UNKNOWN = {"wanda": "unknown"}  # the receiver's answer to an address that Wanda did not make
_NOBODYS = WEBHOOK_PATH.format(job="0" * 32, mac="0" * 40)
_LATER, _NOT_FOUND = 503, 404


async def probe(settings: WebSettings) -> str | None:
    """Return what is wrong with the way from the public address to this machine, and what to do; None if nothing is.

    Where no Wanda listens yet, this does for a moment.
    """
    url = f"{(settings.public_url or '').rstrip('/')}{_NOBODYS}"
    async with AsyncExitStack() as stack:
        server = WebServer(settings.host, settings.port, [Route("POST", WEBHOOK_PATH, _unknown, body_bytes_max=1024)])
        try:
            await server.start()
        except SettingsRefused:
            pass  # a running Wanda answers
        else:
            stack.push_async_callback(server.close)
        return await _ask(url, settings)


async def _ask(url: str, settings: WebSettings) -> str | None:
    proxy = (
        f"have the proxy pass POST {WEBHOOK_PATH.partition('{')[0]}… on to port {settings.port} of this machine, over "
        "HTTP, unchanged and without a redirect (docs/operate.md has examples)"
    )
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as http,
            http.post(url, data=b"{}", allow_redirects=False) as reply,
        ):
            status, body = reply.status, await reply.content.read(ANSWER_BYTES_MAX)
    except TimeoutError:
        return f"{settings.public_url} does not answer within {TIMEOUT_S:g} s; {proxy}"
    except (aiohttp.ClientError, OSError) as error:
        return f"{settings.public_url} cannot be reached from here ({error}); {proxy}"
    if status == _NOT_FOUND and _is_ours(body):
        return None
    if status == _LATER:
        return f"{settings.public_url} answers 503: Wanda behind it is still starting, or the proxy does not reach her"
    return f"a POST to {settings.public_url}/fal/… is answered {status}, and not by Wanda; {proxy}"


def _is_ours(body: bytes) -> bool:
    try:
        return json.loads(body) == UNKNOWN
    except ValueError:
        return False


async def _unknown(_: web.Request) -> web.Response:
    return web.json_response(UNKNOWN, status=_NOT_FOUND)
