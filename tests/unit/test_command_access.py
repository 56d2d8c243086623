"""Who may use a command by a server's settings under Integrations, and how long Wanda relies on an answer."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.command_access import (
    ADMINISTRATOR,
    FRESH_FOR_S,
    SERVERS_MAX,
    AccessUnknown,
    Command,
    CommandAccess,
    Kind,
    Member,
    Overrides,
    Switches,
    may_use,
    overrides_in,
)

GUILD, APP, COMMAND, ME, CREW, FANS, HERE = 1000, 50, 60, 2, 11, 12, 70
ANYBODY, EVERYWHERE = (Kind.ROLE, GUILD), (Kind.CHANNEL, GUILD - 1)
MYSELF, MY_CREW, MY_FANS, IN_HERE = (Kind.USER, ME), (Kind.ROLE, CREW), (Kind.ROLE, FANS), (Kind.CHANNEL, HERE)
IDS = [ANYBODY, EVERYWHERE, MYSELF, MY_CREW, MY_FANS, IN_HERE, (Kind.USER, 3), (Kind.ROLE, 13), (Kind.CHANNEL, 71)]
SETTINGS = st.dictionaries(st.sampled_from(IDS), st.booleans())
PLAIN = Command(id=COMMAND, needed=None)
MANAGERS = Command(id=COMMAND, needed=1 << 5)


def member(permissions: int = 0) -> Member:
    """Return a member with two roles in a channel."""
    return Member(id=ME, role_ids=(CREW, FANS), channel_id=HERE, permissions=permissions)


def set_to(app: Switches | None = None, own: Switches | None = None) -> Overrides:
    """Return what is set for all commands and for one."""
    return Overrides(GUILD, app or {}, {COMMAND: own} if own else {})


@pytest.mark.parametrize(
    ("app", "own", "allowed"),
    [
        ({}, {}, True),
        ({ANYBODY: False}, {}, False),
        ({ANYBODY: False, MY_CREW: True}, {}, True),
        ({MY_CREW: False, MY_FANS: True}, {}, True),
        ({MY_CREW: False}, {}, False),
        ({MY_CREW: False, MYSELF: True}, {}, True),
        ({MY_CREW: True, MYSELF: False}, {}, False),
        ({ANYBODY: False}, {MY_FANS: True}, True),
        ({MYSELF: True}, {ANYBODY: False}, False),
        ({EVERYWHERE: False}, {}, False),
        ({EVERYWHERE: False, IN_HERE: True}, {}, True),
        ({EVERYWHERE: False}, {IN_HERE: True}, True),
        ({IN_HERE: True}, {EVERYWHERE: False}, False),
        ({IN_HERE: False, MYSELF: True}, {MYSELF: True}, False),
        ({(Kind.USER, 3): False, (Kind.ROLE, 13): False, (Kind.CHANNEL, 71): False}, {}, True),
    ],
)
def test_whom_the_settings_let(app: Switches, own: Switches, allowed: bool) -> None:
    """The command's settings come before the application's, one's own before a role's before everybody's."""
    assert may_use(PLAIN, member(), set_to(app, own)) is allowed


@pytest.mark.parametrize(
    ("needed", "held", "app", "own", "allowed"),
    [
        (1 << 5, 0, {}, {}, False),
        (1 << 5, 1 << 5, {}, {}, True),
        (1 << 5, 0, {MYSELF: True}, {}, False),
        (1 << 5, 0, {}, {MYSELF: True}, True),
        (1 << 5, 0, {}, {ANYBODY: True}, True),
        (0, (1 << 53) - 1 - ADMINISTRATOR, {}, {}, False),
        (0, 0, {}, {MY_CREW: True}, True),
    ],
)
def test_default_permissions(needed: int, held: int, app: Switches, own: Switches, allowed: bool) -> None:
    """Only what is set for the command itself replaces its default permissions; 0 is nobody."""
    assert may_use(Command(id=COMMAND, needed=needed), member(held), set_to(app, own)) is allowed


@given(app=SETTINGS, own=SETTINGS, command=st.sampled_from([PLAIN, MANAGERS]))
def test_administrators_may_use_everything(app: Switches, own: Switches, command: Command) -> None:
    """No setting binds an administrator."""
    assert may_use(command, member(ADMINISTRATOR), set_to(app, own))


@given(app=SETTINGS, own=SETTINGS, extra=SETTINGS, held=st.sampled_from([0, 1 << 5]))
def test_what_names_others_changes_nothing(app: Switches, own: Switches, extra: Switches, held: int) -> None:
    """Settings for other members, roles, channels and commands do not matter."""
    before = may_use(MANAGERS, member(held), set_to(app, own))
    others = {one: allowed for one, allowed in extra.items() if one in IDS[6:]}
    after = Overrides(GUILD, {**app, **others}, {COMMAND: {**own, **others}, COMMAND + 1: extra})
    assert may_use(MANAGERS, member(held), after) is before


@given(app=SETTINGS, own=SETTINGS, key=st.sampled_from(IDS), at_app=st.booleans())
def test_allowing_more_never_takes_away(app: Switches, own: Switches, key: tuple[int, int], at_app: bool) -> None:
    """Who may use a command still may after a denial became an allowance."""
    if may_use(MANAGERS, member(), set_to(app, own)):
        changed = app if at_app else own
        allowed = {**changed, key: True} if changed.get(key) is False else changed
        assert may_use(MANAGERS, member(), set_to(allowed, own) if at_app else set_to(app, allowed))


def test_discords_answer_is_read() -> None:
    """The entry with the application's id is for all commands."""
    entry = {"id": str(CREW), "type": 1, "permission": False}
    answer: list[dict[str, Any]] = [{"id": str(APP), "permissions": [entry]}, {"id": str(COMMAND), "permissions": []}]
    assert overrides_in(GUILD, APP, answer) == Overrides(GUILD, {MY_CREW: False}, {COMMAND: {}})


class FakeDiscord:
    """Answers with these settings once `ready` is set; fails while `down`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.down = False
        self.ready = asyncio.Event()
        self.ready.set()
        self.settings: Switches = {}
        self.access = CommandAccess(self.fetch, clock=lambda: self.now)
        self.access.know({"wan27": PLAIN})

    async def fetch(self, guild_id: int) -> Overrides:
        """Return the settings as they were when they were asked for."""
        self.asked += 1
        if self.down:
            raise OSError("down")
        found = Overrides(guild_id, self.settings, {})
        await self.ready.wait()
        return found

    async def may_use(self, guild_id: int = GUILD, **changes: Any) -> bool:
        """Return whether the member may use the command."""
        return await self.access.may_use(guild_id, "wan27", member(**changes))


async def test_it_is_asked_once_until_it_changes() -> None:
    """Many presses at once ask Discord once; a change, a new session or an hour makes Wanda ask again."""
    fake = FakeDiscord()
    assert await asyncio.gather(*(fake.may_use() for _ in range(50))) == [True] * 50
    assert fake.asked == 1
    fake.settings = {ANYBODY: False}
    assert await fake.may_use()
    fake.access.forget(GUILD)
    assert not await fake.may_use()
    fake.settings = {}
    fake.access.forget_all()
    assert await fake.may_use()
    fake.settings = {ANYBODY: False}
    fake.now = FRESH_FOR_S + 1
    assert not await fake.may_use()
    assert fake.asked == 4


async def test_an_answer_from_before_a_change_is_not_kept() -> None:
    """When the settings change while Discord is asked, the answer on its way is not relied on afterwards."""
    fake = FakeDiscord()
    fake.ready.clear()
    first = asyncio.create_task(fake.may_use())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    fake.settings = {ANYBODY: False}
    fake.access.forget(GUILD)
    fake.ready.set()
    await first
    assert not await fake.may_use()


async def test_without_an_answer_nobody_has_access() -> None:
    """When Discord never said who may, only administrators may; an old answer counts while no change was heard of."""
    fake = FakeDiscord()
    fake.down = True
    with pytest.raises(AccessUnknown):
        await fake.may_use()
    assert await fake.may_use(permissions=ADMINISTRATOR)
    fake.down = False
    assert await fake.may_use()
    fake.now, fake.down = FRESH_FOR_S + 1, True
    assert await fake.may_use()
    fake.access.forget(GUILD)
    with pytest.raises(AccessUnknown):
        await fake.may_use()
    with pytest.raises(AccessUnknown):
        await fake.access.may_use(GUILD, "not synced", member())


async def test_answers_of_many_servers_are_bounded() -> None:
    """Settings of at most `SERVERS_MAX` servers are kept; the longest unasked goes first."""
    fake = FakeDiscord()
    for guild_id in range(SERVERS_MAX + 1):
        await fake.may_use(guild_id + 1)
    await fake.may_use(SERVERS_MAX + 1)
    assert fake.asked == SERVERS_MAX + 1
    await fake.may_use(1)
    assert fake.asked == SERVERS_MAX + 2
