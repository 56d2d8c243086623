"""What the end-to-end tests do and look at, in a person's words."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.ledger.audit import verify
from bot.storage.database import open_store
from sandbox.stage import Stage, eventually, text_of
from tests.support import media_samples
from tests.support.stores import settings_for

PRICED = {"resolution": "720p", "duration": 2}


def real_file(folder: Path, name: str, content: bytes) -> Path:
    """Put a file there for a member to attach."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def picture(folder: Path, width: int = 640, height: int = 480) -> Path:
    """A picture that every mode takes."""
    return real_file(folder, f"lake-{width}x{height}.png", media_samples.png(width, height))


def clip(folder: Path, seconds: float = 3.0) -> Path:
    """A clip that every mode takes."""
    return real_file(folder, f"clip-{seconds}.mp4", media_samples.mp4(seconds, 320, 240))


def voice(folder: Path, seconds: float = 4.0) -> Path:
    """A sound that every mode takes."""
    return real_file(folder, f"voice-{seconds}.wav", media_samples.wav(seconds))


async def order(stage: Stage, folder: Path, *, user: str = "maker", **options: Any) -> str:
    """Ask for a short Wan 2.7 video of a picture; returns the card's message id once the command is acknowledged."""
    asked = {"prompt": "the lake begins to shimmer", **PRICED, **options}
    answer = await stage.slash(user, "wan27 image", asked, image=picture(folder))
    assert answer["acknowledged"], answer
    assert not answer["ephemeral"], answer
    return answer["message_id"]


async def wait_for_video(stage: Stage, message_id: str, *, within_s: float = 30.0) -> dict[str, Any]:
    """Return the card once a video stands on it."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and message["attachments"] else None

    return await eventually(look, what="video on the card", within_s=within_s)


async def wait_for_text(stage: Stage, message_id: str, words: str, *, within_s: float = 30.0) -> dict[str, Any]:
    """Return the card once it says these words."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and words.lower() in text_of(message).lower() else None

    return await eventually(look, what=f"“{words}” on the card", within_s=within_s)


async def wait_for_reply(stage: Stage, message_id: str) -> dict[str, Any]:
    """Return the one reply to this card once it has the video, and the job is done."""

    async def look() -> dict[str, Any] | None:
        replies = [m for m in await stage.messages() if m["reference"] == message_id]
        return next((m for m in replies if m["attachments"]), None)

    reply = await eventually(look, what="reply with the video")
    assert await wait_for_state(stage, reply["id"], "done") == "done"
    assert [m["id"] for m in await stage.messages() if m["reference"] == message_id] == [reply["id"]]
    return reply


async def refusal(stage: Stage, answer: dict[str, Any], *, user: str = "maker") -> str:
    """Return the private sentence that a command got, and see that nobody else has it and no card is left."""
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


def database(stage: Stage) -> Path:
    """Return the bot's SQLite file."""
    return stage.folder / "wanda.db"


def job_states(stage: Stage) -> dict[str, str]:
    """Return every job's state, by message id, from the bot's own database."""
    with closing(sqlite3.connect(f"file:{database(stage)}?mode=ro", uri=True, timeout=5)) as connection:
        return {str(row[0]): row[1] for row in connection.execute("SELECT message_id, state FROM jobs")}


async def wait_for_state(stage: Stage, message_id: str, *wanted: str) -> str:
    """Return the job's state once it is one of these."""

    async def look() -> str | None:
        state = (await asyncio.to_thread(job_states, stage)).get(message_id)
        return state if state in wanted else None

    return await eventually(look, what=f"job in state {' or '.join(wanted)}")


async def check_books(stage: Stage) -> None:
    """See that the ledger's entries and rows agree, and that every hold ended at most once."""
    store = await open_store(settings_for(stage.folder), exclusive=False)
    try:
        assert await store.read(verify()) == []
    finally:
        await store.close()


def held_and_spent(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return what every budget holds and has spent, in micro-dollars, by scope."""
    with closing(sqlite3.connect(f"file:{database(stage)}?mode=ro", uri=True, timeout=5)) as connection:
        rows = connection.execute("SELECT scope, held_microusd, spent_microusd FROM budgets")
        return {row[0]: (row[1], row[2]) for row in rows}
