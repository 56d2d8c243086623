"""Missing permissions in the channel are found before anything is spent."""

from typing import Any, cast

import discord
import pytest

from bot.client import NEEDED_TO_POST
from bot.errors import NotAllowed, OptionRefused
from cogs.ordering import posting_rights
from cogs.ordering.posting_rights import Place

READS = discord.Permissions(read_messages=True, embed_links=True, attach_files=True, read_message_history=True)
IN_THREADS = READS | discord.Permissions(send_messages_in_threads=True)
COMMANDS = discord.Permissions(use_application_commands=True)


class Member:
    """A member who is not in a time-out."""

    timed_out_until = None


def where(wandas: discord.Permissions, members: discord.Permissions = COMMANDS, **place: Any) -> Place:
    """Return a place where Wanda and the member hold these permissions."""
    return Place(
        member=cast("Any", Member()), permissions=members, wandas=wandas, channel_id=2, **{"in_thread": False, **place}
    )


@pytest.mark.parametrize(
    ("in_thread", "permissions"),
    [(False, NEEDED_TO_POST), (True, IN_THREADS), (False, discord.Permissions.all())],
)
def test_enough(in_thread: bool, permissions: discord.Permissions) -> None:
    """The needed permissions are enough, and more do no harm; in a thread, Send Messages is not needed."""
    place = where(permissions, permissions | COMMANDS, in_thread=in_thread)
    posting_rights.check_posting(place)
    posting_rights.check_member_may_order(place)


@pytest.mark.parametrize(
    ("in_thread", "permissions", "named"),
    [
        (True, NEEDED_TO_POST, r"without: Send Messages In Threads\."),
        (False, IN_THREADS, r"without: Send Messages\."),
        (False, discord.Permissions.none(), "View Channel, Send Messages, Embed Links, Attach Files"),
    ],
)
def test_not_enough(in_thread: bool, permissions: discord.Permissions, named: str) -> None:
    """Everything that Wanda lacks is named as Discord's settings name it."""
    with pytest.raises(OptionRefused, match=named):
        posting_rights.check_posting(where(permissions, in_thread=in_thread))


@pytest.mark.parametrize(
    ("in_thread", "permissions", "named"),
    [
        (True, NEEDED_TO_POST, "without Send Messages In Threads, so"),
        (False, IN_THREADS, "without Send Messages, so"),
        (False, discord.Permissions.none(), "without Send Messages and Attach Files, so"),
    ],
)
def test_a_member_who_may_not_post(in_thread: bool, permissions: discord.Permissions, named: str) -> None:
    """Everything that the member lacks is named."""
    with pytest.raises(NotAllowed, match=named):
        posting_rights.check_member_may_order(where(NEEDED_TO_POST, permissions | COMMANDS, in_thread=in_thread))


def test_a_locked_thread() -> None:
    """In a locked thread only Manage Threads lets Wanda post."""
    moderator = IN_THREADS | discord.Permissions(manage_threads=True)
    posting_rights.check_posting(where(moderator, in_thread=True, is_locked=True))
    with pytest.raises(OptionRefused, match="This thread is locked"):
        posting_rights.check_posting(where(IN_THREADS, in_thread=True, is_locked=True))
