"""Mixed traffic: members order, react, press and fill in forms at random while the bot may be killed at any moment."""

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path

from bot.jobs.bills import micro_of
from sandbox.stage import Stage, StageError, eventually, text_of, videos_of
from tests.support.rerun_steps import labels
from tests.support.text_commands import admin
from tests.support.video_steps import PRICED, picture, rows, wrong_books

MEMBERS = ("maker", "friend", "boss", "admin")
EMOJI = ("🔁", "🎲", "❌")
ACTS_AT_ONCE = 4
PAUSE_S = 0.1
ENDED_WITHIN_S = 120.0
PLACEHOLDER = "is getting a video ready for"


class Traffic:
    """Random acts, the same for the same seed as far as the bot's answers allow."""

    def __init__(self, stage: Stage, files: Path, *, seed: int) -> None:
        self._stage = stage
        self._picture = picture(files)
        self._random = random.Random(seed)  # noqa: S311 - a choice of acts, not a secret
        self.done: Counter[str] = Counter()

    async def set_up(self) -> None:
        """Let videos above thirty cents wait for an approver, who is `boss`."""
        people = {"roles": [{"name": "producers"}], "members": [{"name": "boss", "roles": ["producers"]}]}
        await self._stage.discord.post("world", people)
        await admin(self._stage, "approval", above="0.30", role="producers")

    async def run(self, seconds: float) -> None:
        """Act for this long; what a killed bot does not answer counts as `unanswered`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for _ in range(ACTS_AT_ONCE):
                    group.create_task(self._act_on())

    async def _act_on(self) -> None:
        while True:
            act = self._random.choices((self._order, self._react, self._press), weights=(5, 2, 4))[0]
            try:
                await act()
            except StageError:  # the message has changed meanwhile, or nobody answered
                self.done["refused"] += 1
            await asyncio.sleep(PAUSE_S)

    async def _order(self) -> None:
        user = self._random.choice(MEMBERS)
        options = {**PRICED, "duration": self._random.choice((2, 2, 4)), "prompt": "the lake begins to shimmer"}
        command, files = self._random.choice((("wan27 image", {"image": self._picture}), ("wan27 text", {})))
        answer = await self._stage.slash(user, command, options, **files)
        self.done["ordered" if answer["acknowledged"] else "unanswered"] += 1

    async def _react(self) -> None:
        cards = [message for message in await self._stage.messages() if videos_of(message)]
        if not cards:
            await self._order()
            return
        body = {"user": self._random.choice(MEMBERS), "message": self._random.choice(cards)["id"]}
        await self._stage.discord.post("react", {**body, "emoji": self._random.choice(EMOJI)})
        self.done["reacted"] += 1

    async def _press(self) -> None:
        user = self._random.choice(MEMBERS)
        cards = [message for message in await self._stage.messages(seen_by=user) if labels(message)]
        if not cards:
            await self._order()
            return
        card = self._random.choice(cards[-12:])
        label = self._random.choice(labels(card))
        answer = await self._stage.discord.post("click", {"user": user, "message": card["id"], "label": label})
        self.done["pressed" if answer["acknowledged"] else "unanswered"] += 1
        if answer.get("modal"):
            await self._stage.discord.post("submit", {"user": user, "modal": answer["modal"]["id"], "fields": {}})
            self.done["filled in"] += 1


async def wrong_ends(stage: Stage) -> list[str]:
    """Decline what waits for approval, and return what is left that should not be, once all is well or time is over."""

    async def look() -> bool | None:
        await _decline_all(stage)
        return None if await _wrong(stage) else True

    with contextlib.suppress(StageError):
        await eventually(look, what="end of everything", within_s=ENDED_WITHIN_S)
    return await _wrong(stage)


async def _wrong(stage: Stage) -> list[str]:
    jobs = await asyncio.to_thread(rows, stage, "SELECT id, state, told, message_id FROM jobs")
    wrong = [f"job {job} is {state} and not told" for job, state, told, _ in jobs if not told]
    wrong += await asyncio.to_thread(_open_holds, stage)
    wrong += await asyncio.to_thread(_orphans, stage, {str(row[0]) for row in jobs})
    wrong += await asyncio.to_thread(wrong_books, stage)
    wrong += await _wrong_bills(stage)
    return wrong + await _unfinished_cards(stage, {str(row[3]) for row in jobs})


async def _decline_all(stage: Stage) -> None:
    for (message_id,) in await asyncio.to_thread(rows, stage, "SELECT message_id FROM jobs WHERE state = 'waiting'"):
        found = await stage.message(str(message_id), seen_by="boss")
        if found is not None and "Decline" in labels(found):
            with contextlib.suppress(StageError):  # the card may be edited in between; the next look presses again
                await stage.discord.post("click", {"user": "boss", "message": str(message_id), "label": "Decline"})


def _open_holds(stage: Stage) -> list[str]:
    """Return the holds that have not ended, other than the server's exposure for an uncertain job."""
    held = (
        "SELECT draws.job_id, draws.state, draws.scope FROM draws LEFT JOIN jobs ON jobs.id = draws.job_id "
        "WHERE draws.state = 'held' OR (draws.state = 'exposed' AND COALESCE(jobs.state, '') <> 'uncertain')"
    )
    return [f"job {job} still has money {state} of {scope}" for job, state, scope in rows(stage, held)]


async def _wrong_bills(stage: Stage) -> list[str]:
    """Return the jobs whose books do not say what fal billed for them, unless their money is still exposed.

    A request whose reply was lost is known to no job, which is then uncertain and exposed. Of one without a video the
    books may say too much, if fal did not tell its cost: they follow the bill later, with FAL_ADMIN_KEY.
    """
    billed: Counter[str] = Counter()
    for event in (await stage.fal.get("bill"))["events"]:
        billed[event["request_id"]] += event["nano_usd"]
    paid = (
        "SELECT r.request_id, r.job_id, COALESCE(f.billed_microusd, d.settled_microusd, 0), "
        "COALESCE(j.state, '') = 'done' FROM fal_requests r LEFT JOIN jobs j ON j.id = r.job_id "
        "JOIN draws d ON d.job_id = r.job_id AND d.position = 0 AND d.state <> 'exposed' "
        "LEFT JOIN differences f ON f.job_id = r.job_id"
    )
    return [
        f"job {job} paid {microusd} for request {request}, and fal billed {micro_of(billed[request])}"
        for request, job, microusd, is_made in await asyncio.to_thread(rows, stage, paid)
        if microusd < micro_of(billed[request]) or (is_made and microusd > micro_of(billed[request]))
    ]


def _orphans(stage: Stage, jobs: set[str]) -> list[str]:
    """Return the folders of members' files that belong to no job."""
    found = (stage.folder / "inputs").iterdir() if (stage.folder / "inputs").exists() else ()
    return [f"{path} belongs to no job" for path in found if path.name not in jobs]


async def _unfinished_cards(stage: Stage, cards: set[str]) -> list[str]:
    """Return what anybody sees that still promises something: "thinking…", a placeholder, a Cancel button."""
    wrong: dict[str, str] = {}
    for user in MEMBERS:
        for message in await stage.messages(seen_by=user):
            text = text_of(message)
            if message["loading"]:
                wrong[message["id"]] = (
                    f"message {message['id']} is still thinking ({'private' if message['ephemeral_for'] else 'public'})"
                )
            elif message["id"] in cards and "Cancel" in labels(message):
                wrong[message["id"]] = f"card {message['id']} still has a Cancel button: {text[:80]!r}"
            elif PLACEHOLDER in text:
                wrong[message["id"]] = f"message {message['id']} is still a placeholder: {text[:80]!r}"
    return list(wrong.values())
