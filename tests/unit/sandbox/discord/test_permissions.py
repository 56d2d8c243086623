"""Permissions in the Discord stand-in follow Discord's order."""

import pytest

from sandbox.discord.clock import Clock
from sandbox.discord.model import Channel, ChannelType, Guild, Member, Overwrite, Role, User
from sandbox.discord.permissions import ALL, EVERYONE, Permission, channel_permissions, parse_permissions

OWNER, MEMBER, STRANGER = User(1, "owner"), User(2, "member"), User(3, "stranger")
VIEW, SEND = Permission.VIEW_CHANNEL, Permission.SEND_MESSAGES
ROLE = 11
CLOCK = Clock(wall=lambda: 1000.0, monotonic=lambda: 0.0)


def channel(*overwrites: Overwrite, everyone: int = VIEW | SEND, role: int = 0) -> Channel:
    """A channel of a server whose member has one role."""
    guild = Guild(10, "Studio", 0, OWNER.id, 0.0, CLOCK)
    guild.roles = {10: Role(10, 10, "@everyone", everyone, 0), ROLE: Role(ROLE, 10, "VIP", role, 1)}
    guild.members = {user.id: Member(user, 10, 0.0) for user in (OWNER, MEMBER)}
    guild.members[MEMBER.id].roles = [ROLE]
    return Channel(20, ChannelType.TEXT, "general", guild, overwrites={o.id: o for o in overwrites})


def test_owners_and_administrators_have_everything() -> None:
    """Neither is held by a channel's exceptions."""
    closed = Overwrite(10, 0, 0, ALL)
    assert channel_permissions(channel(closed), OWNER) == ALL
    assert channel_permissions(channel(closed, role=Permission.ADMINISTRATOR), MEMBER) == ALL


def test_a_stranger_has_nothing() -> None:
    """Who is not in the server has no permission there."""
    assert channel_permissions(channel(), STRANGER) == 0


def test_exceptions_are_applied_from_everyone_to_the_member() -> None:
    """The roles' exceptions overrule everyone's, and the member's own overrule both."""
    deny_all, allow_role = Overwrite(10, 0, 0, SEND), Overwrite(ROLE, 0, SEND, 0)
    deny_own = Overwrite(MEMBER.id, 1, 0, SEND)
    assert not channel_permissions(channel(deny_all), MEMBER) & SEND
    assert channel_permissions(channel(deny_all, allow_role), MEMBER) & SEND
    assert not channel_permissions(channel(deny_all, allow_role, deny_own), MEMBER) & SEND


def test_nothing_counts_where_the_channel_cannot_be_seen() -> None:
    """Without View Channel every other permission is worth nothing."""
    assert channel_permissions(channel(Overwrite(10, 0, 0, VIEW)), MEMBER) == 0


def test_a_time_out_leaves_looking_and_reading() -> None:
    """A timed-out member keeps View Channel and Read Message History; an owner or administrator keeps everything."""
    seen = VIEW | Permission.READ_MESSAGE_HISTORY
    timed_out = channel(everyone=int(EVERYONE))
    assert timed_out.guild is not None
    for member in timed_out.guild.members.values():
        member.timed_out_until = 1001.0
    assert channel_permissions(timed_out, MEMBER) == seen
    assert channel_permissions(timed_out, OWNER) == ALL
    timed_out.guild.members[MEMBER.id].timed_out_until = 1000.0
    assert channel_permissions(timed_out, MEMBER) == EVERYONE


def test_who_may_not_write_may_not_attach() -> None:
    """Without Send Messages, Attach Files and Embed Links are worth nothing."""
    muted = channel(Overwrite(10, 0, 0, SEND), everyone=int(EVERYONE))
    granted = channel_permissions(muted, MEMBER)
    assert not granted & (Permission.ATTACH_FILES | Permission.EMBED_LINKS)
    assert granted & Permission.USE_APPLICATION_COMMANDS


def test_permissions_are_read_from_names_and_numbers() -> None:
    """A list of names and a decimal string are the same bits; an unknown name is an error."""
    assert parse_permissions(["VIEW_CHANNEL", "SEND_MESSAGES"]) == parse_permissions(str(int(VIEW | SEND)))
    with pytest.raises(ValueError, match="SING is not a permission"):
        parse_permissions(["SING"])
