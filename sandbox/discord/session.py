"""A gateway session and its connection: intents, shard, and the events kept for a RESUME."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

from aiohttp import web

from sandbox.discord.compression import Compressor
from sandbox.discord.shard_rules import Shard, has_server
from sandbox.discord.wire import dumps

log = logging.getLogger(__name__)

EVENTS_KEPT = 10_000
SEND_QUEUE = 20_000
SENDS_MAX, SENDS_WINDOW_S = 120, 60.0


class Op(IntEnum):
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    ACK = 11


class CloseCode(IntEnum):
    """Gateway close codes."""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Intent(IntFlag):
    """Gateway intents."""

    NONE = 0
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
HIGHEST_INTENT = 1 << 26


def frame(op: Op, d: Any = None) -> bytes:
    """Return a frame other than an event: its `s` and `t` are null."""
    return dumps({"t": None, "s": None, "op": op, "d": d})


class Hangup(Exception):  # noqa: N818 - what happened reads better where it is caught
    """The connection is to be closed with a code."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(eq=False, slots=True)
class Connection:
    """One websocket with its outgoing queue; `send` never waits for a slow client."""

    ws: web.WebSocketResponse
    compress: Compressor | None
    transport: asyncio.WriteTransport | None
    queue: asyncio.Queue[bytes | CloseCode] = field(
        default_factory=lambda: asyncio.Queue[bytes | CloseCode](SEND_QUEUE)
    )
    session: "Session | None" = None
    is_hung_up: bool = False
    _window_began: float = 0.0
    _sent: int = 0

    def count_send(self, now: float) -> None:
        """Count one frame of the client.

        Raises:
            Hangup: more than 120 in a minute (https://discord.com/developers/docs/events/gateway#rate-limiting).
        """
        if now - self._window_began >= SENDS_WINDOW_S:
            self._window_began, self._sent = now, 0
        self._sent += 1
        if self._sent > SENDS_MAX:
            raise Hangup(CloseCode.RATE_LIMITED, f"More than {SENDS_MAX} frames in {SENDS_WINDOW_S:.0f} s.")

    def hang_up(self, code: CloseCode) -> None:
        """Close with the code once what is queued has been sent."""
        self.is_hung_up = True
        self.send(code)

    def send(self, payload: bytes | CloseCode) -> None:
        """Queue a frame; a client that does not read is disconnected."""
        try:
            self.queue.put_nowait(payload)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """Abort the connection without a close frame."""
        if self.transport is not None:
            self.transport.abort()

    async def pump(self) -> None:
        """Send the queued frames in order, until cancelled or disconnected."""
        while not self.ws.closed:
            payload = await self.queue.get()
            if isinstance(payload, CloseCode):
                await self.ws.close(code=payload)
                return
            try:
                if self.compress is None:
                    await self.ws.send_str(payload.decode())
                else:
                    await self.ws.send_bytes(self.compress(payload))
            except (ConnectionError, RuntimeError) as error:
                log.info("A gateway client is gone: %s", error)
                return


@dataclass(eq=False, slots=True)
class Session:
    """An identified client: its intents, its shard, and the events kept for a RESUME."""

    id: str
    intents: Intent
    shard: Shard
    sequence: int = 0
    sent: deque[tuple[int, bytes]] = field(default_factory=lambda: deque[tuple[int, bytes]](maxlen=EVENTS_KEPT))
    connection: Connection | None = None
    lost_at: float = 0.0

    def serves_guild(self, guild_id: int | None) -> bool:
        """Return whether the server belongs to this shard; DMs belong to shard 0."""
        return has_server(self.shard, guild_id)

    def dispatch(self, name: str, data: bytes) -> None:
        """Number an event, keep it for a RESUME, and send it if connected."""
        self.sequence += 1
        frame = b'{"op":0,"s":%d,"t":"%b","d":%b}' % (self.sequence, name.encode(), data)
        self.sent.append((self.sequence, frame))
        if self.connection is not None:
            self.connection.send(frame)

    def events_after(self, sequence: int) -> list[bytes] | None:
        """Return the events after that sequence number; None if some are no longer kept."""
        if sequence > self.sequence or (self.sent and sequence + 1 < self.sent[0][0]):
            return None
        return [frame for number, frame in self.sent if number > sequence]


def parse_intents(value: Any, privileged: Intent) -> Intent:
    """Return the intents of an IDENTIFY.

    Raises:
        Hangup: a bit is unknown, or the developer portal does not allow it.
    """
    if not isinstance(value, int) or not 0 <= value < HIGHEST_INTENT:
        raise Hangup(CloseCode.INVALID_INTENTS, f"Intents are a number of known bits, not {value!r}.")
    intents = Intent(value)
    if refused := intents & PRIVILEGED & ~privileged:
        raise Hangup(CloseCode.DISALLOWED_INTENTS, f"The portal does not allow {refused!r}.")
    return intents
