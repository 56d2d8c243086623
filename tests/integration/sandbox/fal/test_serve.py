"""`python -m sandbox serve` as a process, as the README starts it."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

import httpx
import pytest

READY_WITHIN_S = 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serve(number: signal.Signals) -> None:
    """It prints the environment as KEY=value lines, then `ready`, serves, and exits cleanly on a signal."""
    command = (sys.executable, "-m", "sandbox", "serve", "--only", "fal", "--fal-port", "0", "--seconds-per-job", "1")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    environment: dict[str, str] = {}
    async with asyncio.timeout(READY_WITHIN_S):
        while (line := (await process.stdout.readline()).decode().strip()) != "ready":
            name, _, value = line.partition("=")
            environment[name] = value
        async with httpx.AsyncClient() as http:
            settings = await http.get(f"{environment['FAL_QUEUE_URL']}/sandbox/settings")
            account = await http.get(
                f"{environment['FAL_API_URL']}/v1/account/billing",
                params={"expand": "credits"},
                headers={"Authorization": f"Key {environment['FAL_ADMIN_KEY']}"},
            )
        process.send_signal(number)
        _, errors = await process.communicate()
    hosts = {f"FAL_{host}_URL" for host in ("QUEUE", "QUEUE_BACKUP", "REST", "API", "WEB")}
    assert set(environment) == {"FAL_KEY", "FAL_ADMIN_KEY", *hosts}
    assert settings.json()["seconds_per_job"] == 1
    assert account.json()["credits"]["currency"] == "USD"
    assert (process.returncode, errors) == (0, b"")


async def test_taken_port() -> None:
    """A port in use is reported in a sentence, with exit status 1."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = (sys.executable, "-m", "sandbox", "serve", "--only", "fal", "--fal-port", str(port))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(READY_WITHIN_S):
        _, errors = await process.communicate()
    server.close()
    await server.wait_closed()
    assert process.returncode == 1
    assert f"Port {port} cannot be used" in errors.decode()
