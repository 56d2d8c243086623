"""What end-to-end tests do with films: fill in shots on the private panel, and wait for what it says."""

from pathlib import Path
from typing import Any

from sandbox.stage import Stage, buttons_of, components_of, eventually, file_body, text_of
from tests.support.text_commands import ask
from tests.support.video_steps import rows

SELECT = 3


async def open_panel(stage: Stage, user: str = "maker") -> str:
    """Type /film and return the panel's message id."""
    return (await ask(stage, user, "film")).message_id


async def panel(stage: Stage, message_id: str, words: str, *, user: str = "maker") -> dict[str, Any]:
    """Return the panel once it says these words."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id, seen_by=user)
        return message if message is not None and words in text_of(message) else None

    return await eventually(look, what=f"panel with “{words}”", within_s=30)


async def click(stage: Stage, message_id: str, label: str, *, user: str = "maker", nth: int = 0) -> dict[str, Any]:
    """Press the nth button whose label begins so; return the stand-in's answer."""
    message = await stage.message(message_id, seen_by=user)
    ids = [one["custom_id"] for one in buttons_of(message or {}) if one["label"].startswith(label)]
    return await stage.discord.post("click", {"user": user, "message": message_id, "custom_id": ids[nth]})


async def choose(stage: Stage, message_id: str, value: str, *, user: str = "maker", of: str = "") -> dict[str, Any]:
    """Choose a value from the message's list whose id begins so; return the stand-in's answer."""
    message = await stage.message(message_id, seen_by=user)
    lists = [one for one in components_of(message or {}) if one["type"] == SELECT and one["custom_id"].startswith(of)]
    body = {"user": user, "message": message_id, "custom_id": lists[0]["custom_id"], "values": [value]}
    return await stage.discord.post("click", body)


async def submit(
    stage: Stage, opened: dict[str, Any], *, user: str = "maker", files: dict[str, Path] | None = None, **fields: Any
) -> dict[str, Any]:
    """Fill in the form that a press has opened, and send it."""
    bodies = {name: file_body(path) for name, path in (files or {}).items()}
    return await stage.discord.post(
        "submit", {"user": user, "modal": opened["modal"]["id"], "fields": fields, "files": bodies}
    )


async def add_shot(
    stage: Stage,
    message_id: str,
    prompt: str,
    *,
    user: str = "maker",
    files: dict[str, Path] | None = None,
    **fields: Any,
) -> None:
    """Add a shot of 2 s by the panel's form, and wait until it is there."""
    opened = await click(stage, message_id, "Add a shot", user=user)
    await submit(stage, opened, user=user, files=files, **{"prompt": prompt, "seconds": "2", **fields})
    await panel(stage, message_id, prompt, user=user)


async def new_message(stage: Stage, words: str) -> dict[str, Any]:
    """Return the channel's latest message for everybody that says these words."""

    async def look() -> dict[str, Any] | None:
        public = [one for one in await stage.messages() if not one["ephemeral_for"]]
        return next((one for one in reversed(public) if words in text_of(one)), None)

    return await eventually(look, what=f"message with “{words}”", within_s=60)


async def finished(stage: Stage, message_id: str) -> dict[str, Any]:
    """Return the film's message once it is done and that is stored: it has the list of its shots."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id) or {}
        if rows(stage, "SELECT id FROM films WHERE is_open = 1"):
            return None
        lists = [one["custom_id"] for one in components_of(message) if one["type"] == SELECT]
        return message if any(one.startswith("wanda:shots:") for one in lists) else None

    return await eventually(look, what="finished film", within_s=90)
