"""The gateway: websocket sessions that identify, keep alive, miss events, and resume.

A session outlives its connection: what it missed is kept and replayed on RESUME, as Discord does.
"""

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.discord.clock import Clock
from sandbox.discord.compression import Compressor, compressor
from sandbox.discord.objects import Projector
from sandbox.discord.transcript import Event, Transcript
from sandbox.discord.wire import Json, dumps
from sandbox.discord.world import World

log = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_MS = 41_250
SILENCE_S = HEARTBEAT_INTERVAL_MS / 1000 * 1.5
EVENTS_KEPT = 10_000
SESSIONS_KEPT = 64
SESSION_LIFE_S = 300.0
SEND_QUEUE = 20_000
SHARD_SHIFT = 22
API_VERSION = "10"


class Op(IntEnum):
    """Gateway operations."""

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
    """Why the gateway hangs up."""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Intent(IntFlag):
    """Which events a session asks for."""

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


class Hangup(Exception):
    """Close this connection with a code."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(eq=False, slots=True)
class Connection:
    """One websocket with its outgoing queue; sending never waits for a slow client."""

    ws: web.WebSocketResponse
    compress: Compressor | None
    transport: asyncio.WriteTransport | None
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue[bytes](SEND_QUEUE))
    session: "Session | None" = None

    def send(self, payload: bytes) -> None:
        """Queue a frame; a client that does not read is cut off."""
        try:
            self.queue.put_nowait(payload)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """Drop the line without a goodbye."""
        if self.transport is not None:
            self.transport.abort()

    async def pump(self) -> None:
        """Send what is queued, in order, until cancelled or the line is gone."""
        while not self.ws.closed:
            payload = await self.queue.get()
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
    """An identified client: its intents, its shard, and the events it may yet ask to hear again."""

    id: str
    intents: Intent
    shard: tuple[int, int]
    sequence: int = 0
    sent: deque[tuple[int, bytes]] = field(default_factory=lambda: deque[tuple[int, bytes]](maxlen=EVENTS_KEPT))
    connection: Connection | None = None
    lost_at: float = 0.0

    def holds(self, guild_id: int | None) -> bool:
        """Whether the server belongs to this shard; DMs belong to shard 0."""
        number, count = self.shard
        return number == (0 if guild_id is None else (guild_id >> SHARD_SHIFT) % count)

    def dispatch(self, name: str, data: bytes) -> None:
        """Number an event, keep it for a replay, and send it when there is a line."""
        self.sequence += 1
        frame = b'{"op":0,"s":%d,"t":"%b","d":%b}' % (self.sequence, name.encode(), data)
        self.sent.append((self.sequence, frame))
        if self.connection is not None:
            self.connection.send(frame)

    def missed(self, sequence: int) -> list[bytes] | None:
        """The events after that number; None when some are no longer kept."""
        if sequence > self.sequence or (self.sent and sequence + 1 < self.sent[0][0]):
            return None
        return [frame for number, frame in self.sent if number > sequence]


class Gateway:
    """All sessions; `emit` tells each of them what it asked to hear."""

    def __init__(
        self,
        world: World,
        show: Projector,
        transcript: Transcript,
        *,
        clock: Clock,
        random: Random,
        token: str,
        privileged: Intent,
    ) -> None:
        self._world = world
        self._show = show
        self._transcript = transcript
        self._clock = clock
        self._random = random
        self._token = token
        self._privileged = privileged
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self.url = ""

    def emit(
        self,
        name: str,
        data: Json,
        *,
        guild_id: int | None,
        intent: Intent = Intent.NONE,
        redacted: Json | None = None,
    ) -> None:
        """Send an event to the sessions of that server (None: DMs) with the intent; without MESSAGE_CONTENT, redacted."""
        full = dumps(data)
        short = full if redacted is None else dumps(redacted)
        self._transcript.add(Event(name, full))
        for session in self._living():
            if session.holds(guild_id) and (not intent or session.intents & intent):
                session.dispatch(name, full if session.intents & Intent.MESSAGE_CONTENT else short)

    def _living(self) -> list[Session]:
        """The sessions that are connected or may still resume; the others are forgotten."""
        now = self._clock.now()
        gone = [s for s in self._sessions.values() if s.connection is None and now - s.lost_at > SESSION_LIFE_S]
        for session in gone:
            del self._sessions[session.id]
        return list(self._sessions.values())

    def connected(self) -> int:
        """How many identified connections there are."""
        return sum(1 for session in self._sessions.values() if session.connection is not None)

    def ask_reconnect(self) -> None:
        """Send op 7 to everyone: they come back and resume."""
        for connection in self._connections:
            connection.send(dumps({"op": Op.RECONNECT, "d": None}))

    def invalidate(self, *, resumable: bool) -> None:
        """Send op 9 to everyone; unless resumable, their sessions are gone."""
        for connection in self._connections:
            connection.send(dumps({"op": Op.INVALID_SESSION, "d": resumable}))
        if not resumable:
            self._sessions.clear()

    def cut(self) -> None:
        """Drop every line without a goodbye."""
        for connection in list(self._connections):
            connection.cut()

    async def close(self) -> None:
        """Hang up on everyone."""
        for connection in list(self._connections):
            await connection.ws.close(code=1001)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket until it ends."""
        ws = web.WebSocketResponse(compress=False, max_msg_size=64 * 1024)
        await ws.prepare(request)
        connection = Connection(ws, compressor(request.query.get("compress", "")), request.transport)
        self._connections.add(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            if request.query.get("v") != API_VERSION or request.query.get("encoding") != "json":
                raise Hangup(CloseCode.INVALID_VERSION, "The sandbox speaks v=10 and encoding=json.")  # noqa: TRY301
            connection.send(dumps({"op": Op.HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS, "_trace": []}}))
            await self._listen(connection)
        except Hangup as hangup:
            log.warning("Gateway closes with %d: %s", hangup.code, hangup.reason)
            self._transcript.add(Event("SANDBOX_CLOSE", dumps({"code": hangup.code, "reason": hangup.reason})))
            await ws.close(code=hangup.code, message=hangup.reason.encode()[:120])
        finally:
            self._lost(connection)
            pump.cancel()
        return ws

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            session.lost_at = self._clock.now()
            # Discord ends the session of a client that closes with 1000 or 1001.
            if connection.ws.close_code in {1000, 1001}:
                self._sessions.pop(session.id, None)

    async def _listen(self, connection: Connection) -> None:
        while True:
            try:
                frame = await connection.ws.receive(timeout=SILENCE_S)
            except TimeoutError:
                raise Hangup(CloseCode.SESSION_TIMED_OUT, "No heartbeat came.") from None
            if frame.type is not WSMsgType.TEXT:
                return
            try:
                message: Any = json.loads(frame.data)
                self._operate(connection, message["op"], message.get("d"))
            except (ValueError, TypeError, KeyError) as error:
                raise Hangup(CloseCode.DECODE_ERROR, f"This frame cannot be read: {error!r}") from error

    def _operate(self, connection: Connection, op: Any, data: Any) -> None:
        match op:
            case Op.HEARTBEAT:
                connection.send(dumps({"op": Op.ACK}))
            case Op.IDENTIFY:
                self._identify(connection, data)
            case Op.RESUME:
                self._resume(connection, data)
            case Op.REQUEST_MEMBERS:
                self._members(self._identified(connection), data)
            case Op.PRESENCE | Op.VOICE_STATE:
                self._identified(connection)
            case _:
                raise Hangup(CloseCode.UNKNOWN_OPCODE, f"A client does not send op {op}.")

    def _identified(self, connection: Connection) -> Session:
        if connection.session is None:
            raise Hangup(CloseCode.NOT_AUTHENTICATED, "IDENTIFY comes first.")
        return connection.session

    def _identify(self, connection: Connection, data: Any) -> None:
        if connection.session is not None:
            raise Hangup(CloseCode.ALREADY_AUTHENTICATED, "There was an IDENTIFY already.")
        if data["token"] != self._token:
            raise Hangup(CloseCode.AUTHENTICATION_FAILED, "The token is not the one that the sandbox issued.")
        intents = _intents(data.get("intents"), self._privileged)
        number, count = data.get("shard") or (0, 1)
        if not 0 <= number < count:
            raise Hangup(CloseCode.INVALID_SHARD, f"There is no shard {number} of {count}.")
        session = Session(f"{self._random.getrandbits(128):032x}", intents, (number, count), connection=connection)
        connection.session = self._sessions[session.id] = session
        while len(self._sessions) > SESSIONS_KEPT:
            self._sessions.pop(next(iter(self._sessions)))
        self._greet(session)

    def _greet(self, session: Session) -> None:
        mine = [guild for guild in self._world.guilds.values() if session.holds(guild.id)]
        application = self._show.application()
        self._tell(
            session,
            "READY",
            {
                "v": int(API_VERSION),
                "user": self._show.me(),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
                "session_id": session.id,
                "resume_gateway_url": self.url,
                "shard": list(session.shard),
                "application": {"id": application["id"], "flags": application["flags"]},
            },
        )
        if session.intents & Intent.GUILDS:
            for guild in mine:
                everyone = bool(session.intents & Intent.GUILD_MEMBERS)
                self._tell(session, "GUILD_CREATE", self._show.guild_create(guild, all_members=everyone))

    def _tell(self, session: Session, name: str, data: Json) -> None:
        encoded = dumps(data)
        self._transcript.add(Event(name, encoded))
        session.dispatch(name, encoded)

    def _resume(self, connection: Connection, data: Any) -> None:
        if data["token"] != self._token:
            raise Hangup(CloseCode.AUTHENTICATION_FAILED, "The token is not the one that the sandbox issued.")
        session = next((s for s in self._living() if s.id == data["session_id"]), None)
        missed = None if session is None else session.missed(int(data["seq"] or 0))
        if session is None or missed is None:
            connection.send(dumps({"op": Op.INVALID_SESSION, "d": False}))
            return
        if session.connection is not None:
            session.connection.session = None
            session.connection.cut()
        session.connection, connection.session = connection, session
        for frame in missed:
            connection.send(frame)
        self._tell(session, "RESUMED", {"_trace": []})

    def _members(self, session: Session, data: Any) -> None:
        """Answer op 8 in one chunk: members by id, or by the beginning of their names."""
        guild = self._world.guilds[int(data["guild_id"])]
        wanted = data.get("user_ids")
        if wanted is not None:
            ids = {int(one) for one in (wanted if isinstance(wanted, list) else [wanted])}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON from the wire
            found = [member for member in guild.members.values() if member.user.id in ids]
        else:
            if not data.get("query") and not session.intents & Intent.GUILD_MEMBERS:
                raise Hangup(CloseCode.DISALLOWED_INTENTS, "The whole list needs the members intent.")
            found = [m for m in guild.members.values() if m.user.name.startswith(data.get("query") or "")]
            found = found[: data.get("limit") or None]
        chunk: Json = {
            "guild_id": str(guild.id),
            "members": [self._show.member_with_user(member) for member in found],
            "chunk_index": 0,
            "chunk_count": 1,
        }
        self._tell(session, "GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if "nonce" in data else {}))


def _intents(value: Any, privileged: Intent) -> Intent:
    if not isinstance(value, int) or not 0 <= value < HIGHEST_INTENT:
        raise Hangup(CloseCode.INVALID_INTENTS, f"Intents are a number of known bits, not {value!r}.")
    intents = Intent(value)
    if refused := intents & PRIVILEGED & ~privileged:
        raise Hangup(CloseCode.DISALLOWED_INTENTS, f"The portal does not allow {refused!r}.")
    return intents
