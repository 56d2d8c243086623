"""Steps for the tests of reruns: react, press, fill in forms, wait for videos and messages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.stage import Stage, buttons_of, eventually, text_of, videos_of
from tests.support.video_steps import held_and_spent, order, wait_for_state, wait_for_video

MORE = "More…"
FREE = frozenset({"prompt", "enable_prompt_expansion"})  # what a faithful rerun may send differently


async def one_video(stage: Stage, files: Path, seed: int = 7) -> str:
    """Make a video as maker and return its card once it accepts reactions."""
    message_id = await order(stage, files, seed=seed)
    await wait_for_video(stage, message_id)
    await wait_for_state(stage, message_id, "done")
    return message_id


async def react(stage: Stage, user: str, message_id: str, emoji: str) -> None:
    """React to a message."""
    await stage.discord.post("react", {"user": user, "message": message_id, "emoji": emoji})


async def press(stage: Stage, user: str, message_id: str, label: str) -> dict[str, Any]:
    """Press the button whose label begins with `label`, also in the answer to More…; return the stand-in's answer."""
    message = await stage.message(message_id, seen_by=user)
    assert message is not None
    full = next((text for text in labels(message) if text.startswith(label)), None)
    if full is None:
        more = await stage.discord.post("click", {"user": user, "message": message_id, "label": MORE})
        return await press(stage, user, more["message_id"], label)
    return await stage.discord.post("click", {"user": user, "message": message_id, "label": full})


async def submit_form(stage: Stage, user: str, answer: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Fill in the form that a press has opened, and send it."""
    return await stage.discord.post("submit", {"user": user, "modal": answer["modal"]["id"], "fields": fields})


def labels(message: dict[str, Any]) -> list[str]:
    """Return the labels of a message's buttons."""
    return [button["label"] for button in buttons_of(message)]


async def wait_for_videos(
    stage: Stage, count: int, *, channel: str = "general", within_s: float = 30.0
) -> list[dict[str, Any]]:
    """Return the channel's videos in order once there are `count` and their jobs are done."""

    async def look() -> list[dict[str, Any]] | None:
        found = [message for message in await stage.messages(channel=channel) if videos_of(message)]
        return found if len(found) >= count else None

    found = await eventually(look, what=f"{count} videos", within_s=within_s)
    for message in found:
        await wait_for_state(stage, message["id"], "done")
    return found


async def wait_for_inputs(stage: Stage, count: int) -> list[dict[str, Any]]:
    """Return the inputs of fal's requests, in order, once there are `count`."""

    async def look() -> list[dict[str, Any]] | None:
        found = await stage.fal.get("requests")
        return found if len(found) >= count else None

    return [request["input"] for request in await eventually(look, what=f"{count} requests")]


def differ(one: dict[str, Any], other: dict[str, Any], *, besides: Sequence[str] = ()) -> set[str]:
    """Return the fields in which two inputs differ, except the rewritten prompt, its switch and the files' URLs."""
    names = {name for name in one | other if name not in FREE and name not in besides and not name.endswith("_url")}
    return {name for name in names if one.get(name) != other.get(name)}


async def wait_for_message(
    stage: Stage, words: str, *, channel: str = "general", seen_by: str = "maker"
) -> dict[str, Any]:
    """Return the newest message with these words, in any case, once there is one."""

    async def look() -> dict[str, Any] | None:
        seen = await stage.messages(channel=channel, seen_by=seen_by)
        return next((m for m in reversed(seen) if words.lower() in text_of(m).lower()), None)

    return await eventually(look, what=f"“{words}”")


async def latest_input(stage: Stage) -> dict[str, Any]:
    """Return the input of fal's latest request."""
    return (await stage.fal.get("requests"))[-1]["input"]


async def restart(stage: Stage, **settings: str) -> None:
    """Stop the bot with SIGTERM and start it again on the same data."""
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.start_bot(**settings)


async def id_of(stage: Stage, name: str) -> str:
    """Return a member's id."""
    members = (await stage.discord.get("state"))["servers"][0]["members"]
    return next(row["id"] for row in members if row["name"] == name)


def spent_by(stage: Stage, member_id: str) -> int:
    """Return what a member has spent and holds, in micro-dollars."""
    return sum(sum(each) for scope, each in held_and_spent(stage).items() if scope.endswith(f":{member_id}"))
