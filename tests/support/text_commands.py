"""Types commands and reads their answers as a member sees them."""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.stage import Stage, eventually, fields_of, layout_texts, text_of

_TIME = re.compile(r"<t:\d+(?::[a-zA-Z])?>")
_MENTION = re.compile(r"<(@&|@|#)(\d+)>")


@dataclass(frozen=True)
class Answer:
    """An answer as the member sees it: names for mentions, "…" for times."""

    text: str
    raw: dict[str, Any]
    private: bool
    message_id: str

    @property
    def files(self) -> list[dict[str, Any]]:
        """The attached files."""
        return self.raw["attachments"]


async def ask(
    stage: Stage, user: str, command: str, *, at: str = "general", unchecked: bool = False, **options: Any
) -> Answer:
    """Type a slash command in the channel `at` and return its answer once it is there."""
    body = {"user": user, "channel": at, "command": command, "options": options}
    answer = await stage.discord.post("slash", body | ({"unchecked": True} if unchecked else {}))
    assert answer["acknowledged"], answer
    assert answer["ack_ms"] < 3000
    return await read(stage, user, answer["message_id"], at=at)


async def admin(stage: Stage, command: str, **options: Any) -> Answer:
    """Type a /wanda-admin command as the admin; its answer is private."""
    answer = await ask(stage, "admin", f"wanda-admin {command}", **options)
    assert answer.private
    return answer


async def read(stage: Stage, user: str, message_id: str, *, at: str = "general") -> Answer:
    """Return a message as this person reads it, once it is there."""

    async def look() -> dict[str, Any] | None:
        seen = await stage.messages(channel=at, seen_by=user)
        return next((m for m in seen if m["id"] == message_id and not m["loading"]), None)

    raw = await eventually(look, what="answer")
    return Answer(await with_names(stage, text_of(raw)), raw, raw["ephemeral_for"] == user, message_id)


async def click(stage: Stage, user: str, answer: Answer, label: str) -> Answer:
    """Press a button of an answer, and return the answer once it was edited."""
    edits = answer.raw["edits"]
    await stage.discord.post("click", {"user": user, "message": answer.message_id, "label": label})

    async def look() -> Answer | None:
        now = await read(stage, user, answer.message_id)
        return now if now.raw["edits"] > edits else None

    return await eventually(look, what="turned page")


async def with_names(stage: Stage, text: str) -> str:
    """Return text with names where Discord shows names, and "…" where it shows a moment."""
    names = await _names(stage)
    text = _MENTION.sub(lambda found: f"{found[1][0]}{names.get(found[2], 'unknown')}", text)
    return _TIME.sub("…", text)


async def _names(stage: Stage) -> dict[str, str]:
    """Return the names by id in the first server."""
    server = (await stage.discord.get("state"))["servers"][0]
    return {row["id"]: row["name"] for kind in ("members", "roles", "channels") for row in server[kind]}


async def wait_for_log(stage: Stage, count: int, channel: str = "wanda-log") -> list[str]:
    """Return the log channel's lines, as an admin sees them, once there are `count`."""

    async def look() -> list[str] | None:
        seen = await stage.messages(channel=channel, seen_by="admin")
        return [await with_names(stage, message["content"]) for message in seen] if len(seen) >= count else None

    return await eventually(look, what="line in the log")


async def wait_for_answer(stage: Stage, user: str, answer: Answer, words: str) -> Answer:
    """Return the answer once it contains these words, or a file of this name."""

    async def look() -> Answer | None:
        now = await read(stage, user, answer.message_id)
        return now if words in now.text or any(file["filename"] == words for file in now.files) else None

    return await eventually(look, what=f"“{words}” in the answer", within_s=30.0)


async def as_quoted(stage: Stage, answer: Answer) -> str:
    """Return a message as the docs quote it: title and headings in bold on lines of their own, no direction marks."""
    parts = [answer.raw["content"]]
    for embed in answer.raw["embeds"]:
        parts += [f"**{embed['title']}**" if embed.get("title") else "", embed.get("description")]
        for field in fields_of(embed):
            parts += [f"**{field['name']}**", field["value"]]
        parts.append(embed.get("footer", {}).get("text"))
    parts += [
        re.sub(r"^#+ (.*)$", r"**\1**", text, flags=re.MULTILINE) for text in layout_texts(answer.raw["components"])
    ]
    text = await with_names(stage, "\n".join(part for part in parts if part))
    text = re.sub(r"\\([^\sA-Za-z0-9])", r"\1", re.sub(r"^-# ", "", text, flags=re.MULTILINE))
    return "\n".join(line for line in text.replace("\u200e", "").splitlines() if line.strip())
