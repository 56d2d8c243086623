"""All gateway sessions: those that are connected, and those that may still resume."""

from collections.abc import Iterator

from sandbox.discord.clock import Clock
from sandbox.discord.session import CloseCode, Session
from sandbox.discord.shard_rules import Shard

KEPT = 256
LIFE_S = 300.0


class Sessions:
    """Sessions by id, bounded in number; one that nobody is connected to lives for `LIFE_S`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        """Yield the sessions that live, the oldest first."""
        now = self._clock.now()
        for session in [one for one in self._sessions.values() if not one.connection and now - one.lost_at > LIFE_S]:
            del self._sessions[session.id]
        return iter(list(self._sessions.values()))

    def add(self, session: Session) -> None:
        """Keep the session; if there are too many, one that nobody is connected to goes first."""
        self._sessions[session.id] = session
        while len(self._sessions) > KEPT:
            lost = next((one.id for one in self._sessions.values() if one.connection is None), None)
            self._sessions.pop(lost or next(iter(self._sessions)))

    def find(self, session_id: str) -> Session | None:
        """Return the session of that id, if it lives."""
        return next((session for session in self if session.id == session_id), None)

    def drop(self, session: Session) -> None:
        """Delete the session, if it is there."""
        self._sessions.pop(session.id, None)

    def drop_all(self, shard: int | None = None) -> None:
        """Delete the sessions of the shard with this id, or every session."""
        self._sessions = {one.id: one for one in self if shard is not None and one.shard[0] != shard}

    def close_older(self, shard: Shard) -> None:
        """Delete the sessions of this shard, and close their connections with 4009."""
        for session in [one for one in self if one.shard == shard]:
            self.drop(session)
            if session.connection is not None:
                session.connection.hang_up(CloseCode.SESSION_TIMED_OUT)

    def connected_shards(self) -> list[Shard]:
        """Return the shard of each session that is connected."""
        return [session.shard for session in self if session.connection is not None]
