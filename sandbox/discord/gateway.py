"""The gateway: websocket sessions with IDENTIFY, heartbeats and RESUME.

A session outlives its connection: missed events are kept and replayed on RESUME
(https://discord.com/developers/docs/events/gateway#resuming).
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.discord.clock import Clock
from sandbox.discord.compression import new_compressor
from sandbox.discord.event_faults import EventFaults
from sandbox.discord.serializer import Serializer
from sandbox.discord.session import CloseCode, Connection, Hangup, Intent, Op, Session, frame, parse_intents
from sandbox.discord.session_starts import SessionStarts
from sandbox.discord.sessions import Sessions
from sandbox.discord.shard_rules import Shard, ShardRules
from sandbox.discord.transcript import Event, Transcript
from sandbox.discord.wire import Json, dumps
from sandbox.discord.world import World

log = logging.getLogger(__name__)

FATAL = frozenset({4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014})
HEARTBEAT_INTERVAL_MS = 41_250
SILENCE_S = HEARTBEAT_INTERVAL_MS / 1000 * 1.5
API_VERSION = "10"


@dataclass(frozen=True, slots=True)
class Emission:
    """One event for every session of its server that asked for its intent; `short` is for those without the content."""

    name: str
    full: bytes
    short: bytes
    guild_id: int | None
    intent: Intent


class Gateway:
    """All sessions; `emit` sends an event to those that asked for it."""

    def __init__(
        self,
        world: World,
        serialize: Serializer,
        transcript: Transcript,
        *,
        clock: Clock,
        random: Random,
        token: str,
        privileged: Intent,
        identify_interval_s: float,
    ) -> None:
        self._world = world
        self._serialize = serialize
        self._transcript = transcript
        self._clock = clock
        self._random = random
        self.token = token
        self._privileged = privileged
        self._sessions = Sessions(clock)
        self._connections: set[Connection] = set()
        self.starts = SessionStarts(clock, identify_interval_s)
        self.shard_rules = ShardRules()
        self.event_faults = EventFaults[Emission](self._deliver)
        self.is_token_reset = False
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
        """Send an event to the sessions whose shard has the server (None: DMs) and that asked for the intent.

        Sessions without the MESSAGE_CONTENT intent get `redacted`, if given.
        """
        full = dumps(data)
        short = full if redacted is None else dumps(redacted)
        self.event_faults.send(name, Emission(name, full, short, guild_id, intent))

    def _deliver(self, event: Emission) -> None:
        self._transcript.add(Event(event.name, event.full))
        for session in self._sessions:
            if session.serves_guild(event.guild_id) and (not event.intent or session.intents & event.intent):
                session.dispatch(event.name, event.full if session.intents & Intent.MESSAGE_CONTENT else event.short)

    def reads_content(self) -> bool:
        """Return whether the developer portal allows the MESSAGE_CONTENT intent."""
        return bool(self._privileged & Intent.MESSAGE_CONTENT)

    def connected_shards(self) -> list[Shard]:
        """Return the shard of each identified connection."""
        return self._sessions.connected_shards()

    def _connections_of(self, shard: int | None) -> list[Connection]:
        """Return the connections of that shard; all of them, also unidentified ones, if it is None."""
        return [one for one in self._connections if shard is None or (one.session and one.session.shard[0] == shard)]

    def ask_reconnect(self, shard: int | None = None) -> None:
        """Send op 7 to the shard's clients, or to every client: they reconnect and resume."""
        for connection in self._connections_of(shard):
            connection.send(frame(Op.RECONNECT))

    def invalidate(self, shard: int | None = None, *, resumable: bool) -> None:
        """Send op 9 to the shard's clients, or to every client; unless resumable, their sessions are deleted."""
        for connection in self._connections_of(shard):
            connection.send(frame(Op.INVALID_SESSION, d=resumable))
        if not resumable:
            self._sessions.drop_all(shard)

    def cut(self, shard: int | None = None) -> None:
        """Abort the shard's connections, or every one, without a close frame."""
        for connection in self._connections_of(shard):
            connection.cut()

    async def close(self, code: int = 1001, shard: int | None = None) -> None:
        """Close connections as `cut` does, but with the code; after one that Discord calls final sessions are gone.

        https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
        """
        for connection in self._connections_of(shard):
            if code in FATAL and connection.session is not None:
                self._sessions.drop(connection.session)
            connection.is_hung_up = True
            await connection.ws.close(code=code)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket until it closes."""
        ws = web.WebSocketResponse(compress=False, max_msg_size=64 * 1024)
        await ws.prepare(request)
        connection = Connection(ws, new_compressor(request.query.get("compress", "")), request.transport)
        self._connections.add(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            if request.query.get("v") != API_VERSION or request.query.get("encoding") != "json":
                raise Hangup(CloseCode.INVALID_VERSION, "The sandbox speaks v=10 and encoding=json.")  # noqa: TRY301
            connection.send(frame(Op.HELLO, d={"heartbeat_interval": HEARTBEAT_INTERVAL_MS, "_trace": []}))
            await self._listen(connection)
        except Hangup as hangup:
            log.warning("Gateway closes with %d: %s", hangup.code, hangup.reason)
            self._transcript.add(Event("SANDBOX_CLOSE", dumps({"code": hangup.code, "reason": hangup.reason})))
            connection.is_hung_up = True
            await ws.close(code=hangup.code, message=hangup.reason.encode()[:120])
        finally:
            self._disconnected(connection)
            pump.cancel()
        return ws

    def _disconnected(self, connection: Connection) -> None:
        self._connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            session.lost_at = self._clock.now()
            # Discord ends the session of a client that closes with 1000 or 1001.
            if connection.ws.close_code in {1000, 1001} and not connection.is_hung_up:
                self._sessions.drop(session)

    async def _listen(self, connection: Connection) -> None:
        while True:
            try:
                received = await connection.ws.receive(timeout=SILENCE_S)
            except TimeoutError:
                raise Hangup(CloseCode.SESSION_TIMED_OUT, "No heartbeat came.") from None
            if received.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                return
            connection.count_send(self._clock.now())
            try:
                message: Any = json.loads(received.data)
                self._handle_op(connection, message["op"], message.get("d"))
            except (ValueError, TypeError, KeyError) as error:
                raise Hangup(CloseCode.DECODE_ERROR, f"This frame cannot be read: {error!r}") from error

    def _handle_op(self, connection: Connection, op: Any, data: Any) -> None:
        match op:
            case Op.HEARTBEAT:
                connection.send(frame(Op.ACK))
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
        self._check_token(data)
        intents = parse_intents(data.get("intents"), self._privileged)
        shard = self._checked_shard(data.get("shard") or (0, 1))
        if self.starts.is_too_soon(shard[0]):
            connection.send(frame(Op.INVALID_SESSION, d=False))
            return
        if not self.starts.take(shard[0]):
            self._reset_token(connection)
        if self.shard_rules.closes_older_session:
            self._sessions.close_older(shard)
        session = Session(f"{self._random.getrandbits(128):032x}", intents, shard, connection=connection)
        connection.session = session
        self._sessions.add(session)
        self._send_ready(session)

    def _checked_shard(self, given: Any) -> Shard:
        number, count = given
        if not 0 <= number < count:
            raise Hangup(CloseCode.INVALID_SHARD, f"There is no shard {number} of {count}.")
        if self.shard_rules.are_too_many((number, count), self._world.guilds):
            most = self.shard_rules.servers_max
            raise Hangup(CloseCode.SHARDING_REQUIRED, f"Shard {number} of {count} has more than {most} servers.")
        return number, count

    def _check_token(self, data: Any) -> None:
        if data["token"] != self.token or self.is_token_reset:
            raise Hangup(CloseCode.AUTHENTICATION_FAILED, "The token is not the one that the sandbox issued.")

    def _reset_token(self, connection: Connection) -> None:
        """Do what Discord does to a bot that is out of session starts: end its sessions and its token."""
        self.is_token_reset = True
        self._sessions.drop_all()
        for other in self._connections - {connection}:
            other.cut()
        raise Hangup(CloseCode.AUTHENTICATION_FAILED, "No session start was left, so the token is reset.")

    def change_token(self, token: str) -> None:
        """Take this token alone from now on, and end the sessions of the one before."""
        self.token, self.is_token_reset = token, False
        self._sessions.drop_all()
        for connection in tuple(self._connections):
            connection.cut()

    def _send_ready(self, session: Session) -> None:
        mine = [guild for guild in self._world.guilds.values() if session.serves_guild(guild.id)]
        application = self._serialize.application()
        self._dispatch(
            session,
            "READY",
            {
                "v": int(API_VERSION),
                "user": self._serialize.me(),
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
                self._dispatch(session, "GUILD_CREATE", self._serialize.guild_create(guild, all_members=everyone))

    def _dispatch(self, session: Session, name: str, data: Json) -> None:
        encoded = dumps(data)
        self._transcript.add(Event(name, encoded))
        session.dispatch(name, encoded)

    def _resume(self, connection: Connection, data: Any) -> None:
        self._check_token(data)
        session = self._sessions.find(data["session_id"])
        missed = None if session is None else session.events_after(int(data["seq"] or 0))
        if session is None or missed is None:
            connection.send(frame(Op.INVALID_SESSION, d=False))
            return
        if session.connection is not None:
            session.connection.session = None
            session.connection.cut()
        session.connection, connection.session = connection, session
        for event in missed:
            connection.send(event)
        self._dispatch(session, "RESUMED", {"_trace": []})

    def _members(self, session: Session, data: Any) -> None:
        """Answer op 8 in one chunk: members by id, or by a prefix of their names."""
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
            "members": [self._serialize.member_with_user(member) for member in found],
            "chunk_index": 0,
            "chunk_count": 1,
        }
        self._dispatch(session, "GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if "nonce" in data else {}))
