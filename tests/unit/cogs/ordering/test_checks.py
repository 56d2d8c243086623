"""Missing permissions in the channel are found before anything is spent."""

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.client import NEEDED_TO_POST
from bot.errors import OptionRefused
from cogs.ordering import checks

IN_THREADS = NEEDED_TO_POST | discord.Permissions(send_messages_in_threads=True)


def asked(kind: type, permissions: discord.Permissions) -> Any:
    """Return an interaction with the fields that the rule reads."""
    channel = cast("object", object.__new__(kind))
    return SimpleNamespace(guild_id=1, channel_id=2, channel=channel, app_permissions=permissions, user=None)


@pytest.mark.parametrize(
    ("kind", "permissions"),
    [
        (discord.TextChannel, NEEDED_TO_POST),
        (discord.Thread, IN_THREADS),
        (discord.TextChannel, discord.Permissions.all()),
    ],
)
def test_enough(kind: type, permissions: discord.Permissions) -> None:
    """The needed permissions are enough, and more do no harm."""
    checks.check_place(asked(kind, permissions))


@pytest.mark.parametrize(
    ("kind", "permissions", "named"),
    [
        (discord.Thread, NEEDED_TO_POST, "lacks: Send Messages In Threads."),
        (discord.TextChannel, discord.Permissions.none(), "View Channel, Send Messages, Embed Links, Attach Files"),
    ],
)
def test_not_enough(kind: type, permissions: discord.Permissions, named: str) -> None:
    """Everything that is missing is named as Discord's settings name it."""
    with pytest.raises(OptionRefused, match=named):
        checks.check_place(asked(kind, permissions))
