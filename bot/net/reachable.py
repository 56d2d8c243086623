"""Whether a server can be reached at all."""

import asyncio

import aiohttp

TIMEOUT_S = 10.0
_SERVER_ERROR = 500


class UnreachableError(Exception):
    """Nothing answers there, or only a proxy; a later try may work."""


async def reach(url: str) -> None:
    """Return once the server has answered anything but a server's error.

    Raises:
        UnreachableError: it has not, within `TIMEOUT_S`; the text says why.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
            session.get(url, allow_redirects=False) as reply,
        ):
            status = reply.status
    except (aiohttp.ClientError, OSError) as error:
        in_time = not isinstance(error, asyncio.TimeoutError)
        raise UnreachableError(str(error) if in_time else f"no answer within {TIMEOUT_S:g} s") from error
    if status >= _SERVER_ERROR:
        raise UnreachableError(f"it answers {status}")
