"""`/wanda-admin content …`: what videos may show, for the whole server or a role, and the log of prompts."""

import re
from collections.abc import Sequence
from typing import Literal

import discord
from discord import app_commands

from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger import rules as rulebook
from bot.ledger.model import Rule
from bot.settings import ContentSettings
from bot.texts import rules as words
from bot.texts.card import MESSAGE_CHARS_MAX, join_within
from cogs.admin.admin_command import LOG_NEEDS, AdminCommand, Change, ChannelOption, Reason
from cogs.base.command_group import CommandSpec

_SEPARATORS = re.compile(r"[,;\n]+")
ROLE = "For this role only."
WHY = "Why."


@app_commands.describe(
    safety="fal's safety check.",
    spoilers="Hidden until clicked.",
    channels="Where to make videos.",
    role=ROLE,
    reason=WHY,
)
@app_commands.choices(
    safety=[
        app_commands.Choice(name="always on", value="on"),
        app_commands.Choice(name="members may switch it off", value="members"),
    ],
    spoilers=[
        app_commands.Choice(name="every video", value="always"),
        app_commands.Choice(name="those made from spoilers", value="as_given"),
    ],
    channels=[
        app_commands.Choice(name="age-restricted only", value="restricted"),
        app_commands.Choice(name="every channel", value="any"),
    ],
)
async def content_set(
    interaction: Interaction,
    *,
    safety: str | None = None,
    spoilers: str | None = None,
    channels: str | None = None,
    role: discord.Role | None = None,
    reason: Reason = None,
) -> None:
    """Set what videos may show, and where; several rules at once if several are given."""
    command = await AdminCommand.open(interaction)
    subject = command.subject(None if role is None else command.role(role))
    given = {"safety": safety, "spoiler": spoilers, "age": channels}
    changes = [Change(subject=subject, name=name, value=value) for name, value in given.items() if value is not None]
    if not changes:
        raise OptionRefused("Choose at least one of safety, spoilers and channels. Nothing was changed.")
    await command.change(*changes, reason=reason)


@app_commands.describe(
    add="Words to refuse, with commas between.",
    remove="Words to allow again, or “all”.",
    role=ROLE,
    reason=WHY,
)
async def content_words(
    interaction: Interaction,
    add: app_commands.Range[str, 1, 2000] | None = None,
    remove: app_commands.Range[str, 1, 2000] | None = None,
    role: discord.Role | None = None,
    reason: Reason = None,
) -> None:
    """Change the words that are refused in prompts, or list them."""
    command = await AdminCommand.open(interaction)
    subject = command.subject(None if role is None else command.role(role))
    rules = await command.read(rulebook.rules_of(command.guild.id, at=command.at))
    before = _words_of(rules, subject)
    if add is None and remove is None:
        await command.say(join_within([words.word_list(subject, before)], MESSAGE_CHARS_MAX))
        return
    after = changed_words(before, add=_typed(add), remove=_typed(remove))
    others = sum(len(rule.value) for rule in rules if rule.name == "words" and rule.subject != subject)
    check_words(after, others=others, bounds=command.services.settings.content)
    if after:
        await command.change(Change(subject=subject, name="words", value=after), reason=reason)
    else:
        await command.clear(subject, {"words"}, reason=reason)


def _words_of(rules: Sequence[Rule], subject: str) -> list[str]:
    found = (rule.value for rule in rules if (rule.subject, rule.name) == (subject, "words"))
    return [str(word) for word in next(found, ())]


def _typed(text: str | None) -> list[str]:
    return [word for part in _SEPARATORS.split(text or "") if (word := " ".join(part.split()).lower())]


def changed_words(before: Sequence[str], *, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Return the list with these words added and removed; "all" alone removes every word."""
    gone = set(before) if list(remove) == ["all"] else set(remove)
    return list(dict.fromkeys([*(word for word in before if word not in gone), *add]))


def check_words(wanted: Sequence[str], *, others: int, bounds: ContentSettings) -> None:
    """Check the length of the list, with the server's `others`, and of its words.

    Raises:
        OptionRefused: it is too long.
    """
    longest = max(wanted, key=len, default="")
    if len(longest) > bounds.word_chars_max:
        raise OptionRefused(
            f"A word can have {bounds.word_chars_max} characters, and “{longest[:30]}…” has {len(longest)}. "
            "Nothing was changed."
        )
    if len(wanted) + others > bounds.words_max:
        raise OptionRefused(
            f"That makes {len(wanted) + others:,} refused words, and a server can have {bounds.words_max:,}. Remove "
            "some first; nothing was changed."
        )


@app_commands.describe(
    channel="Where; without it, nowhere.",
    reason=WHY,
)
async def content_prompt_log(
    interaction: Interaction,
    channel: app_commands.Transform[discord.Object, ChannelOption] | None = None,
    reason: Reason = None,
) -> None:
    """Set the channel for accepted prompts."""
    command = await AdminCommand.open(interaction)
    if channel is None:
        await command.clear("server", {"prompt_log"}, reason=reason)
        return
    known = command.log_channel(channel, LOG_NEEDS | discord.Permissions(attach_files=True))
    await command.change(Change(subject="server", name="prompt_log", value=known.id), reason=reason)


Clearable = Literal["safety", "spoilers", "channels", "words", "everything"]
_CLEARED: dict[str, set[str]] = {
    "safety": {"safety"},
    "spoilers": {"spoiler"},
    "channels": {"age"},
    "words": {"words"},
    "everything": {"safety", "spoiler", "age", "words"},
}


@app_commands.describe(what="Which rule.", role=ROLE, reason=WHY)
async def content_clear(
    interaction: Interaction, what: Clearable, role: discord.Role | None = None, reason: Reason = None
) -> None:
    """Take a content rule back."""
    command = await AdminCommand.open(interaction)
    subject = command.subject(None if role is None else command.role(role))
    await command.clear(subject, _CLEARED[what], reason=reason)


COMMANDS = (
    CommandSpec("set", "Choose fal's safety check, spoilers and channels.", content_set),
    CommandSpec("words", "Choose the words refused in prompts, or see them.", content_words),
    CommandSpec("prompt-log", "Choose where accepted prompts are posted.", content_prompt_log),
    CommandSpec("clear", "Take a content rule back.", content_clear),
)
