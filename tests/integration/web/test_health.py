import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from bot.errors import NotYet, OwnershipLost, SettingsRefused, StorageError, Unhealthy
from bot.settings import WebSettings
from bot.web import healthcheck
from bot.web.health import NOT_RUNNING, Check, Health
from bot.web.server import WebServer


async def good() -> None:
    """A check that passes."""


async def bad() -> None:
    """A check that says what is wrong."""
    raise StorageError("The disk is full.")


async def broken() -> None:
    """A check that raises, with a secret in the error."""
    raise ConnectionError("postgresql://wanda:hunter22@db is down")


async def stuck() -> None:
    """Block for ever."""
    await asyncio.Event().wait()


Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Start a server with these checks and ask it."""
    servers: list[WebServer] = []
    async with httpx.AsyncClient() as client:

        async def asked(path: str = "/readyz", **checks: Check) -> httpx.Response:
            server = WebServer("127.0.0.1", 0, Health(checks, check_timeout_s=0.2).routes())
            servers.append(server)
            await server.start()
            return await client.get(f"http://127.0.0.1:{server.port}{path}")

        yield asked
    for server in servers:
        await server.close()


async def test_healthy(ask: Ask) -> None:
    """When every check passes, the answer is 200 and says ok."""
    reply = await ask(database=good, discord=good)
    assert reply.status_code == 200
    assert reply.json() == {"status": "ready", "checks": {"database": True, "discord": True}, "failed": [], "wrong": {}}


@pytest.mark.parametrize("checks", [{}, {"database": bad}, {"database": stuck}])
async def test_alive_is_not_ready(ask: Ask, checks: dict[str, Check]) -> None:
    """/healthz answers 200 as long as the event loop turns; a restart would change nothing of what /readyz says."""
    reply = await ask("/healthz", **checks)
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert (await ask("/readyz", **checks)).status_code == 503


async def test_standing_by() -> None:
    """A standby is not ready for /readyz, and fine for whoever asks whether a standby is; a start is neither."""
    health = Health()
    server = WebServer("127.0.0.1", 0, health.routes())
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:

            async def statuses() -> tuple[int, int]:
                asked = [await client.get(f"/readyz{query}") for query in ("", "?standby=ok")]
                return asked[0].status_code, asked[1].status_code

            assert await statuses() == (503, 503)
            health.waits_for("All shards are held by others.")
            assert await statuses() == (503, 200)
            health.use({"database": bad})
            assert await statuses() == (503, 503)
            health.use({"database": good})
            assert await statuses() == (200, 200)
    finally:
        await server.close()


async def test_starting_and_stopping(caplog: pytest.LogCaptureFixture) -> None:
    """Without anything to check, Wanda is not healthy, and that is no trouble for the log."""
    health = Health()
    assert await health.wrong() == {"run": NOT_RUNNING}
    health.use({"database": good})
    assert await health.wrong() == {}
    health.use({})
    assert list(await health.wrong()) == ["run"]
    health.waits_for("All shards are held by others.")
    assert await health.wrong() == {"run": "All shards are held by others."}
    health.use({"database": good})
    health.use({})
    assert await health.wrong() == {"run": NOT_RUNNING}
    assert caplog.messages == []


async def test_failing(ask: Ask) -> None:
    """If a check fails or does not answer, the answer is 503 and says what is wrong, in words that hold no secret."""
    reply = await ask(database=broken, discord=bad, disk=good, queue=stuck)
    assert reply.status_code == 503
    assert reply.json()["status"] == "not ready"
    assert reply.json()["failed"] == ["database", "discord", "queue"]
    assert reply.json()["wrong"] == {
        "database": "It failed (ConnectionError).",
        "discord": "The disk is full.",
        "queue": "There was no answer within 0.2 s; it may be locked or overloaded.",
    }
    assert "hunter22" not in reply.text


async def test_nothing_else(ask: Ask) -> None:
    """Nothing but the routes is served."""
    assert (await ask("/", database=good)).status_code == 404
    assert (await ask("/healthz/../etc/passwd", database=good)).status_code == 404


async def test_shared_round() -> None:
    """Simultaneous requests share one round of checks."""
    rounds = 0
    release = asyncio.Event()

    async def counted() -> None:
        nonlocal rounds
        rounds += 1
        await release.wait()

    server = WebServer("127.0.0.1", 0, Health({"database": counted}, check_timeout_s=20).routes())
    await server.start()
    async with httpx.AsyncClient() as client:
        asking = [asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/readyz")) for _ in range(20)]
        await asyncio.wait(asking, timeout=0.2)
        release.set()
        replies = await asyncio.gather(*asking)
    await server.close()
    assert {reply.status_code for reply in replies} == {200}
    assert rounds < 20


async def test_close() -> None:
    """Closing frees the port and ends running checks; it can be repeated, or done before the start."""
    health = Health({"stuck": stuck}, check_timeout_s=60)
    server = WebServer("127.0.0.1", 0, health.routes())
    await server.close()
    await server.start()
    port = server.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    async with asyncio.timeout(10):
        await server.close()
        await server.close()
        await health.close()
        await reader.read()
    writer.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_port_taken() -> None:
    """A port in use is an error at the start, with nothing left running."""
    first = WebServer("127.0.0.1", 0, Health({}).routes())
    await first.start()
    with pytest.raises(SettingsRefused, match=r"\(Address already in use\)\. If another Wanda runs here, stop it"):
        await WebServer("127.0.0.1", first.port, Health({}).routes()).start()
    await first.close()


async def test_an_address_that_is_not_this_machines() -> None:
    """The sentence names the setting that is wrong, which is not the port."""
    with pytest.raises(SettingsRefused, match="Set WANDA_WEB_HOST to an address of this machine"):
        await WebServer("192.0.2.1", 0, Health({}).routes()).start()


async def test_json() -> None:
    """The answer is JSON, and is not cached."""
    server = WebServer("127.0.0.1", 0, Health({"a": good}).routes())
    await server.start()
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"http://127.0.0.1:{server.port}/readyz")
    await server.close()
    assert json.loads(reply.content)["status"] == "ready"
    assert reply.headers["cache-control"] == "no-store"


async def test_trouble_has_a_beginning_and_an_end(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is asked, each trouble is one line when it begins, and one when it is over."""
    is_full = True

    async def disk() -> None:
        if is_full:
            raise StorageError("The disk is full.")

    health = Health({"disk": disk})
    for _ in range(3):
        await health.wrong()
    is_full = False
    for _ in range(2):
        assert await health.wrong() == {}
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [
        ("ERROR", "trouble with disk begins: The disk is full."),
        ("WARNING", "trouble with disk is over after 0 s (3 failures)"),
    ]


async def test_what_cannot_work_ends_itself() -> None:
    """After the patience the watch ends with the reason; each round says before that the loop still runs."""
    rounds: list[None] = []
    health = Health({"disk": bad, "discord": good})
    with pytest.raises(Unhealthy, match=r"ends herself, so that she is started again\. disk: The disk is full\."):
        await health.watch(interval_s=0.01, patience_s=0.5, alive=lambda: rounds.append(None))
    assert len(rounds) > 1


async def test_without_a_patience_it_goes_on() -> None:
    """With 0 the watch only logs."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await Health({"disk": bad}).watch(interval_s=0.01, patience_s=0, alive=lambda: None)


async def early() -> None:
    """A check whose time has not come."""
    raise NotYet("Shard 7 waits for its turn.")


async def test_what_is_survived_ends_nothing() -> None:
    """A bucket that is down makes Wanda not ready, and she goes on for what needs none."""
    health = Health()
    health.use({"files": bad, "discord": good}, survived={"files"})
    await goes_on(health)
    assert await health.wrong() == {"files": "The disk is full."}


async def test_what_waits_for_its_turn_ends_nothing() -> None:
    """While shards wait to connect, Wanda is not ready, and however long that takes she does not end herself."""
    health = Health({"database": good, "discord": early})
    await goes_on(health)
    assert await health.wrong() == {"discord": "Shard 7 waits for its turn."}


async def goes_on(health: Health) -> None:
    """Watch it for longer than the patience; no error of its own ends that."""
    rounds: list[None] = []

    def look() -> None:
        rounds.append(None)
        if len(rounds) > 20:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        await health.watch(interval_s=0.01, patience_s=0.03, alive=look)


async def test_who_lost_the_database_ends_at_once() -> None:
    """Another process owns it now: there is nothing to wait for."""

    async def lost() -> None:
        raise OwnershipLost("Another Wanda has it.")

    with pytest.raises(Unhealthy, match=r"Another Wanda has it\. Wanda ends herself at once"):
        await Health({"database": lost}).watch(interval_s=60, patience_s=3600, alive=lambda: None)


@pytest.mark.parametrize(
    ("checks", "said"),
    [({"disk": good}, "ready\n"), ({"disk": bad}, "not ready: disk: The disk is full.\n")],
)
async def test_docker_asks(
    checks: dict[str, Check], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The image's health check passes while she is alive, and prints why she is not ready for `docker inspect`."""
    server = WebServer("127.0.0.1", 0, Health(checks).routes())
    await server.start()
    monkeypatch.setenv("WANDA_WEB_PORT", str(server.port))
    monkeypatch.setenv("WANDA_WEB_HOST", "0.0.0.0")  # noqa: S104 - nothing listens there
    assert await asyncio.to_thread(healthcheck.main) == 0
    assert capsys.readouterr().out == said
    await server.close()
    assert await asyncio.to_thread(healthcheck.main) == 1
    assert "cannot be reached" in capsys.readouterr().out


def test_docker_and_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a web server the container is not unhealthy for ever; the port without a setting is the shipped one."""
    monkeypatch.setenv("WANDA_WEB_PORT", "0")
    assert healthcheck.main() == 0
    assert str(WebSettings().port) == healthcheck.SHIPPED_PORT
