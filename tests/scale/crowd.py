"""Members of many servers who order, cancel, order again, ask for their quota and are refused, all at random."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any

from bot.client import STOPPING
from sandbox.stage import StageError, file_body
from tests.bench.stands import ORDER
from tests.scale.fleet import Fleet, Server

ACTS_AT_ONCE_MAX = 400
CARDS_KEPT = 500
CANCEL_AFTER_S = (0.1, 1.5)
OLD_ENOUGH_S = 6.0  # a video is made and posted by then
NOT_A_PICTURE = {"filename": "notes.png", "content_type": "image/png", "base64": "dGhpcyBpcyBubyBwaWN0dXJl"}


@dataclass(frozen=True, slots=True)
class Card:
    """An order's message, and who ordered it, when."""

    message_id: str
    server: Server
    user: str
    at: float


class Crowd:
    """Random acts, the same for the same seed as far as the bot's answers allow.

    `ack_ms` has the time of each first answer, `done` counts the acts, and `used` are the servers that had any.
    """

    def __init__(self, fleet: Fleet, *, seed: int) -> None:
        self._fleet = fleet
        self._random = random.Random(seed)  # noqa: S311 - a choice of acts, not a secret
        self._picture = {"path": str(fleet.stands.picture), **file_body(fleet.stands.picture)}
        del self._picture["base64"]
        self._cards: deque[Card] = deque(maxlen=CARDS_KEPT)
        self._orders = count(1)
        self.ack_ms: list[float] = []
        self.done: Counter[str] = Counter()
        self.used: set[Server] = set()

    def forget(self) -> None:
        """Begin to count anew."""
        self.ack_ms.clear()
        self.done.clear()

    async def act_steadily(self, per_s: float, seconds: float) -> None:
        """Begin acts evenly for so long, and return when all have ended; too many at once are left out."""
        loop, active = asyncio.get_running_loop(), set[asyncio.Task[None]]()
        began = loop.time()
        try:
            for number in range(int(per_s * seconds)):
                await asyncio.sleep(began + number / per_s - loop.time())
                if len(active) >= ACTS_AT_ONCE_MAX:
                    self.done["left out"] += 1
                    continue
                task = asyncio.create_task(self._act())
                active.add(task)
                task.add_done_callback(active.discard)
            await asyncio.gather(*active)
        finally:
            for task in active:
                task.cancel()

    async def _act(self) -> None:
        acts = (self.order, self._order_and_cancel, self._rerun, self._ask, self._be_refused)
        await self._random.choices(acts, weights=(60, 6, 12, 14, 8))[0]()

    def _somebody(self) -> tuple[Server, str]:
        server = self._random.choice(self._fleet.servers)
        self.used.add(server)
        return server, self._random.choice(server.members)

    async def order(self) -> str | None:
        """Order a video of the same picture with a prompt of its own; returns the card's id if it was answered."""
        server, user = self._somebody()
        options = {**ORDER, "prompt": f"the lake begins to shimmer, take {next(self._orders)}"}
        answer = await self._slash(server, user, "wan27 image", "ordered", options=options, image=self._picture)
        if not answer["acknowledged"]:
            return None
        self._cards.append(Card(answer["message_id"], server, user, asyncio.get_running_loop().time()))
        return answer["message_id"]

    async def _order_and_cancel(self) -> None:
        message_id = await self.order()
        if message_id is None:
            return
        card = self._cards[-1]
        await asyncio.sleep(self._random.uniform(*CANCEL_AFTER_S))
        await self._press(card.user, message_id, "Cancel", "cancelled")

    async def _rerun(self) -> None:
        now = asyncio.get_running_loop().time()
        ready = [card for card in self._cards if now - card.at > OLD_ENOUGH_S]
        if not ready:
            await self.order()
            return
        card = self._random.choice(ready)
        await self._press(card.user, card.message_id, "Rerun", "ordered again")

    async def _ask(self) -> None:
        server, user = self._somebody()
        self._fleet.questions.add((await self._slash(server, user, "quota show", "asked"))["message_id"])

    async def _be_refused(self) -> None:
        server, user = self._somebody()
        await self._slash(server, user, "wan27 image", "refused", options=dict(ORDER), image=NOT_A_PICTURE)

    async def _slash(
        self, server: Server, user: str, command: str, what: str, *, options: Any = None, **files: Any
    ) -> dict[str, Any]:
        body = {"user": user, "channel": server.channel, "command": command, "options": options or {}, "files": files}
        return self._count(await self._fleet.stands.discord.post("slash", body), what)

    async def _press(self, user: str, message_id: str, label: str, what: str) -> None:
        body = {"user": user, "message": message_id, "label": label}
        try:
            answer = await self._fleet.stands.discord.post("click", body)
        except StageError:  # the message is gone, or has another button by now
            self.done["changed meanwhile"] += 1
        else:
            self._count(answer, what)

    def _count(self, answer: dict[str, Any], what: str) -> dict[str, Any]:
        if answer["acknowledged"]:
            self.ack_ms.append(answer["ack_ms"])
            self.done[what] += 1
        else:
            self.done["unanswered"] += 1
        return answer


Probe = Callable[[], Coroutine[Any, Any, bool]]


def probe_of(fleet: Fleet, server: Server) -> Probe:
    """Return what asks for a quota in this server, and says whether the bot answered other than that she stops."""

    async def ask() -> bool:
        body = {"user": server.members[0], "channel": server.channel, "command": "quota show"}
        answer = await fleet.stands.discord.post("slash", body)
        fleet.questions.add(answer["message_id"])
        return answer["acknowledged"] and answer["content"] != STOPPING

    return ask
