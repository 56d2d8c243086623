"""*servers*: the memory of a server whose members ask for nothing, with 50 channels and 30 roles.

A bot keeps the channels, roles and permissions of each of its servers. It is started in one server and in 300 more, and
the difference is divided by 300. A fifth of the channels has an exception for a role, as channels of teams have.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.figures import Case, Reading, Spec
from tests.bench.flight import Flight
from tests.bench.stands import Name, Stands, new_folder

SERVERS, CHANNELS, ROLES = 300, 50, 30
BATCH = 25  # servers made with one request
EXCEPTION_EVERY = 5
MEMBERS: tuple[str, ...] = ()  # Discord does not send them without the intent
JOINED_AGO_S = 30 * 86_400.0  # a new server would be greeted


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the case; both worlds stand until the context exits."""
    async with AsyncExitStack() as stack:
        one, many = [await stack.enter_async_context(Stands(new_folder(folder))) for _ in range(2)]
        for first in range(0, SERVERS, BATCH):
            await many.discord.post("world", _world(range(first, first + BATCH)))
        label = f"a server with {CHANNELS} channels and {ROLES} roles"
        yield [
            Case(
                specs=(Spec(key="kb", label=label, unit="KB", note=f"of {SERVERS}, none of which asks for anything"),),
                contestants={
                    "peer": partial(_read, one, many, folder, "peer"),
                    "Wanda": partial(_read, one, many, folder, "wanda"),
                },
            )
        ]


async def _read(one: Stands, many: Stands, folder: Path, name: Name) -> Reading:
    found = [await _resident_bytes(stands, name, new_folder(folder)) for stands in (one, many)]
    return {"kb": (found[1] - found[0]) / 1000 / SERVERS}


async def _resident_bytes(stands: Stands, name: Name, data: Path) -> int:
    async with stands.subject(name, data) as subject:
        return await Flight(stands, subject).settled_bytes()


def _world(numbers: range) -> dict[str, Any]:
    names = [f"Server {number}" for number in numbers]
    channels = [_channel(server, place) for server in names for place in range(CHANNELS)]
    # @everyone is a role too.
    roles = [{"server": server, "name": f"Team {place}"} for server in names for place in range(ROLES - 1)]
    servers = [{"name": name, "members": MEMBERS, "joined_ago_s": JOINED_AGO_S} for name in names]
    return {"servers": servers, "roles": roles, "channels": channels}


def _channel(server: str, place: int) -> dict[str, Any]:
    channel = {"server": server, "name": f"channel-{place}"}
    if place % EXCEPTION_EVERY:
        return channel
    return channel | {"overwrites": [{"role": f"Team {place % (ROLES - 1)}", "deny": ["SEND_MESSAGES"]}]}
