"""Another page in the same browser can neither read the page to play with nor act on it."""

import aiohttp
import pytest
from yarl import URL

from sandbox.play.server import PlayServer


def _origin(page: PlayServer) -> str:
    return str(URL(page.address).origin())


async def test_the_printed_address_answers_with_a_policy_that_loads_nothing_from_outside(
    page: PlayServer, http: aiohttp.ClientSession
) -> None:
    """The page's policy names its own origin and loopback addresses only."""
    async with http.get(page.address) as reply:
        assert reply.status == 200
        policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    outside = [word for word in policy.replace(";", " ").split() if "://" in word and "://127.0.0.1:" not in word]
    assert [word.partition(":")[0] + "://localhost" for word in outside] == ["ws://localhost"]


async def test_without_the_token_there_is_nothing(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """A wrong or missing token is a 404, for reading and for acting."""
    base, headers = _origin(page), {"Origin": _origin(page)}
    async with http.get(f"{base}/guess/") as reply:
        assert reply.status == 404
    async with http.post(f"{base}/guess/do/say", json={}, headers=headers) as reply:
        assert reply.status == 404


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://127.0.0.1:1", None])
async def test_another_origin_cannot_act(page: PlayServer, http: aiohttp.ClientSession, origin: str | None) -> None:
    """A deed from another page, or one that does not say where it comes from, is refused and changes nothing."""
    headers = {} if origin is None else {"Origin": origin}
    body = {"user": "maker", "content": "hello"}
    async with http.post(f"{page.address}do/say", json=body, headers=headers) as reply:
        assert reply.status == 403
    async with http.get(f"{page.address}messages?as=maker&channel=general") as reply:
        assert await reply.json() == []


async def test_another_origin_cannot_open_the_stream(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """A WebSocket of another page is refused, although browsers let every page open one."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{page.address}stream?as=maker", headers={"Origin": "https://example.com"})
    assert refused.value.status == 403


async def test_a_name_that_points_at_this_machine_is_refused(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """A Host other than the page's own is refused (DNS rebinding)."""
    async with http.get(page.address, headers={"Host": "evil.example"}) as reply:
        assert reply.status == 403


async def test_the_stand_ins_of_the_page_have_no_control_routes(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """What the page may do, no other page may do at the stand-ins' own ports."""
    async with http.post(f"{page.fal_url}/sandbox/settings", json={}) as reply:
        assert reply.status in {404, 405, 501}
    cdn = URL(page.cdn_url)
    async with http.post(cdn.with_path("/sandbox/say"), json={"user": "maker", "content": "hello"}) as reply:
        assert reply.status == 404
