"""Order videos on a stage, wait for what their cards show, and read the bot's database."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp

from bot.ledger.audit import verify
from bot.storage.batch import read_only
from sandbox.stage import Stage, buttons_of, eventually, text_of, videos_of
from tests.support import media_samples

PRICED = {"resolution": "720p", "duration": 2}
ORDERED = {"prompt": "the lake begins to shimmer", **PRICED}


def real_file(folder: Path, name: str, content: bytes) -> Path:
    """Write a file that a member can attach."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def picture(folder: Path, width: int = 640, height: int = 480) -> Path:
    """Write a picture that every mode accepts."""
    return real_file(folder, f"lake-{width}x{height}.png", media_samples.png(width, height))


def clip(folder: Path, seconds: float = 3.0) -> Path:
    """Write a clip that every mode accepts."""
    return real_file(folder, f"clip-{seconds}.mp4", media_samples.mp4(seconds, 320, 240))


def voice(folder: Path, seconds: float = 4.0) -> Path:
    """Write a sound that every mode accepts."""
    return real_file(folder, f"voice-{seconds}.wav", media_samples.wav(seconds))


async def order(stage: Stage, folder: Path, *, user: str = "maker", **options: Any) -> str:
    """Order a short Wan 2.7 video of a picture; returns the card's message id once the command is acknowledged."""
    asked = {**ORDERED, **options}
    answer = await stage.slash(user, "wan27 image", asked, image=picture(folder))
    assert answer["acknowledged"], answer
    assert not answer["ephemeral"], answer
    return answer["message_id"]


async def wait_for_video(stage: Stage, message_id: str, *, within_s: float = 30.0) -> dict[str, Any]:
    """Return the card once it has the video."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and videos_of(message) else None

    return await eventually(look, what="video on the card", within_s=within_s)


async def wait_for_text(stage: Stage, message_id: str, words: str, *, within_s: float = 30.0) -> dict[str, Any]:
    """Return the card once it contains these words, in any case."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and words.lower() in text_of(message).lower() else None

    return await eventually(look, what=f"“{words}” on the card", within_s=within_s)


async def wait_for_reply(stage: Stage, message_id: str) -> dict[str, Any]:
    """Return the only reply to this card once it has the video and its job is done."""

    async def look() -> dict[str, Any] | None:
        replies = [m for m in await stage.messages() if m["reference"] == message_id]
        return next((m for m in replies if videos_of(m)), None)

    reply = await eventually(look, what="reply with the video")
    await wait_for_state(stage, reply["id"], "done")
    assert [m["id"] for m in await stage.messages() if m["reference"] == message_id] == [reply["id"]]
    return reply


async def refusal(stage: Stage, answer: dict[str, Any], *, user: str = "maker") -> str:
    """Return the private answer to a command, after checking that nobody else sees it and no card is left."""
    private = await _private(stage, answer, user)
    if answer["message_id"] and not answer["ephemeral"]:
        assert await stage.message(answer["message_id"], seen_by=user) is None
    assert await stage.message(private["id"], seen_by="friend" if user != "friend" else "admin") is None
    return private["content"]


async def _private(stage: Stage, answer: dict[str, Any], user: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        if answer["ephemeral"]:
            return await stage.message(answer["message_id"], seen_by=user)
        seen = await stage.messages(seen_by=user)
        return next((m for m in seen if m["ephemeral_for"] == user and int(m["id"]) > int(answer["message_id"])), None)

    return await eventually(look, what="private answer")


async def delete_message(stage: Stage, message_id: str) -> None:
    """Delete a message, as a moderator does."""
    channel = (await stage.messages())[0]["channel_id"]
    url = f"{stage.environment['DISCORD_API_URL']}/channels/{channel}/messages/{message_id}"
    headers = {"Authorization": f"Bot {stage.environment['DISCORD_TOKEN']}"}
    async with aiohttp.ClientSession() as http, http.delete(url, headers=headers) as reply:
        assert reply.status == 204


def database(stage: Stage) -> Path:
    """Return the bot's SQLite file."""
    return stage.folder / "wanda.db"


def job_states(stage: Stage) -> dict[str, str]:
    """Return every job's state, by message id, from the bot's database."""
    return {str(row[0]): row[1] for row in rows(stage, "SELECT message_id, state FROM jobs")}


async def wait_for_state(stage: Stage, message_id: str, *wanted: str, within_s: float = 20) -> str:
    """Return the job's state once it is one of these.

    Raises:
        StageError: it was none of them for `within_s` seconds.
    """

    async def look() -> str | None:
        state = (await asyncio.to_thread(job_states, stage)).get(message_id)
        return state if state in wanted else None

    return await eventually(look, what=f"job in state {' or '.join(wanted)}", within_s=within_s)


async def wait_for_button(stage: Stage, message_id: str) -> None:
    """Return once the message has a button."""

    async def look() -> bool | None:
        message = await stage.message(message_id)
        return True if message and buttons_of(message) else None

    await eventually(look, what="button")


def wrong_books(stage: Stage) -> list[str]:
    """Return what the ledger's own audit finds wrong: entries and sums that differ, holds that ended twice."""
    if not database(stage).exists():  # no bot was started, or it uses PostgreSQL
        return []
    with closing(_connect(stage)) as connection:
        return read_only(connection, verify())


def held_and_spent(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return what every budget holds and has spent, in micro-dollars, by scope."""
    budgets = rows(stage, "SELECT scope, held_microusd, spent_microusd FROM budgets")
    return {scope: (held, spent) for scope, held, spent in budgets}


def amounts(stage: Stage, message_id: str) -> tuple[set[tuple[int, int]], int]:
    """Return what the job on this card held and settled, in micro-dollars, and how many bills were above that."""
    held = (
        "SELECT jobs.message_id, draws.amount_microusd, draws.settled_microusd "
        "FROM draws JOIN jobs ON jobs.id = draws.job_id"
    )
    above = "SELECT jobs.message_id FROM differences JOIN jobs ON jobs.id = differences.job_id"
    return (
        {(amount, settled) for found, amount, settled in rows(stage, held) if str(found) == message_id},
        sum(str(found) == message_id for (found,) in rows(stage, above)),
    )


async def wait_for_ends(stage: Stage) -> None:
    """Return once every job has ended and its card shows how."""

    async def look() -> bool | None:
        ((open_jobs,),) = await asyncio.to_thread(rows, stage, "SELECT count(*) FROM jobs WHERE told = 0")
        return None if open_jobs else True

    await eventually(look, what="end of every job", within_s=30)


@asynccontextmanager
async def costs(
    stage: Stage, *, members: tuple[int, int] = (0, 0), server: tuple[int, int] = (0, 0)
) -> AsyncGenerator[None]:
    """Check that the block's jobs change what is held and spent by exactly these micro-dollars once they have ended."""
    await wait_for_ends(stage)
    before = await asyncio.to_thread(_totals, stage)
    yield
    await wait_for_ends(stage)
    after = await asyncio.to_thread(_totals, stage)
    expected = {"member": members, "server": server}
    assert {kind: (after[kind][0] - before[kind][0], after[kind][1] - before[kind][1]) for kind in after} == expected


def _totals(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return what is held and spent by all members together, and by all servers."""
    totals = {"member": (0, 0), "server": (0, 0)}
    for scope, (held, spent) in held_and_spent(stage).items():
        kind = scope.split(":")[0]
        if kind in totals:
            totals[kind] = (totals[kind][0] + held, totals[kind][1] + spent)
    return totals


@asynccontextmanager
async def no_trace(stage: Stage) -> AsyncGenerator[None]:
    """Check that the block holds and spends nothing, sends fal nothing, and leaves no file of a member behind."""
    before = await _traces(stage)
    yield

    async def look() -> bool | None:
        return True if await asyncio.to_thread(kept_files, stage) == before[2] else None

    await eventually(look, what="removal of the new files")
    assert await _traces(stage) == before


async def _traces(stage: Stage) -> tuple[dict[str, tuple[int, int]], int, set[Path]]:
    submits = len(await stage.fal.get("submits"))
    return await asyncio.to_thread(held_and_spent, stage), submits, await asyncio.to_thread(kept_files, stage)


def kept_files(stage: Stage) -> set[Path]:
    """Return the members' files that the bot has on disk, which may remove some meanwhile."""
    return {Path(folder, name) for folder, _, names in os.walk(stage.folder / "inputs") for name in names}


def _connect(stage: Stage) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database(stage)}?mode=ro", uri=True, timeout=5, isolation_level=None)


def rows(stage: Stage, sql: str) -> list[Any]:
    """Return the rows of a query on the bot's database."""
    with closing(_connect(stage)) as connection:
        return connection.execute(sql).fetchall()


async def gallery(stage: Stage, message_id: str, videos: int) -> dict[str, Any]:
    """Return the message once it has so many videos, and all of its jobs have ended."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and len(message["attachments"]) == videos else None

    await eventually(look, what=f"{videos} videos in one message")
    await wait_for_ends(stage)
    found = await stage.message(message_id)
    assert found is not None
    return found
