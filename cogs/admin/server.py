"""`/wanda-admin …` for the whole server: modes, approval, log, timezone, policy, pause."""

import asyncio
import zoneinfo
from functools import lru_cache

import discord
from discord import app_commands

from bot.client import Interaction
from bot.errors import OptionRefused
from bot.ledger.typed_amount import typed_amount
from bot.ledger.windows import zone
from bot.texts.plain import plain
from cogs.admin import typed_input
from cogs.admin.admin_command import LOG_NEEDS, AdminCommand, Change, ChannelOption, NeededReason, Reason
from cogs.admin.member import offer_spans
from cogs.base.command_group import CommandSpec

OFF = "off"
APPROVAL_WAIT_S = 24 * 3600
_Choices = list[app_commands.Choice[str]]


async def offer_modes(interaction: Interaction, current: str) -> _Choices:
    """Complete a list of modes by one more mode."""
    del interaction
    return [
        app_commands.Choice(name=text, value=text) for text in typed_input.completions(current, typed_input.mode_ids())
    ]


async def offer_resolutions(interaction: Interaction, current: str) -> _Choices:
    """Complete a list of resolutions by one more."""
    del interaction
    return [
        app_commands.Choice(name=text, value=text)
        for text in typed_input.completions(current, typed_input.typed_resolutions())
    ]


async def offer_zones(interaction: Interaction, current: str) -> _Choices:
    """Offer the timezones whose names contain the typed text."""
    del interaction
    names = await asyncio.to_thread(_zone_names)
    return [app_commands.Choice(name=name, value=name) for name in typed_input.matching(current, names)]


@lru_cache(maxsize=1)
def _zone_names() -> tuple[str, ...]:
    """Return all names of timezones; opens hundreds of files, so it runs once, in a thread."""
    return tuple(sorted(zoneinfo.available_timezones()))


def lists(subject: str, modes: str | None, resolutions: str | None) -> list[Change]:
    """Return the changes for the lists that were given.

    "all" clears the server's rule; for a role it sets a rule with every mode or resolution, which overrides a narrower
    default of the server.
    """
    changes: list[Change] = []
    for name, text, known in (
        ("modes", modes, typed_input.mode_ids()),
        ("resolutions", resolutions, typed_input.typed_resolutions()),
    ):
        if text is not None:
            chosen = typed_input.chosen(text, known, what=name.removesuffix("s"))
            everything = None if subject == "server" else list(known)
            changes.append(Change(subject=subject, name=name, value=everything if chosen is None else list(chosen)))
    return changes


@app_commands.describe(
    modes="The modes members can use, such as “wan27-image, wan21-image”, or “all”.",
    resolutions="The resolutions members can use, such as “480p, 720p”, or “all”.",
    role="Only for this role. Without it, the default for every member.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.autocomplete(modes=offer_modes, resolutions=offer_resolutions)
async def set_modes(
    interaction: Interaction,
    modes: str | None = None,
    resolutions: str | None = None,
    role: discord.Role | None = None,
    reason: Reason = None,
) -> None:
    """Set which modes and resolutions may be used."""
    command = await AdminCommand.open(interaction)
    subject = command.subject(None if role is None else command.role(role))
    changes = lists(subject, modes, resolutions)
    if not changes:
        raise OptionRefused("Choose which modes or resolutions can be used, or “all”. Nothing was changed.")
    await command.change(*changes, reason=reason)


@app_commands.describe(
    above="Videos dearer than this wait for approval: 2, $2 or 2.50; or “off”.",
    role="Whose members can approve. People who manage the server always can.",
    wait="How long it waits for an answer before the money goes back: 1h, 12h, 1d. A day when not given.",
    own="Whether approvers can approve their own videos. No when not given.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.autocomplete(wait=offer_spans)
async def approval(
    interaction: Interaction,
    above: str,
    *,
    role: discord.Role | None = None,
    wait: str | None = None,
    own: bool = False,
    reason: Reason = None,
) -> None:
    """Make videos above a price wait for approval."""
    command = await AdminCommand.open(interaction)
    if above.strip().lower() == OFF:
        await command.clear("server", {"approval"}, reason=reason)
        return
    await command.change(approval_rule(command, above, role, wait, own=own), reason=reason)


def approval_rule(
    command: AdminCommand, above: str, role: discord.abc.Snowflake | None, wait: str | None, *, own: bool
) -> Change:
    """Return the rule that these typed values mean.

    Raises:
        OptionRefused: the role is @everyone or gone, or an amount or a span cannot be read.
    """
    known = None if role is None else command.role(discord.Object(role.id))
    if known is not None and known.is_default():
        raise OptionRefused("With @everyone, everybody could approve everything. Choose another role.")
    value = {
        "above_microusd": typed_amount(above),
        "role_id": None if known is None else known.id,
        "wait_s": APPROVAL_WAIT_S if wait is None else typed_input.seconds(wait),
    } | ({"own": True} if own else {})
    return Change(subject="server", name="approval", value=value)


@app_commands.describe(
    channel="Where changes and warnings are posted. Without it, nowhere any more.",
    reason="Why. It's shown in the audit and the log.",
)
async def log_channel(
    interaction: Interaction,
    channel: app_commands.Transform[discord.Object, ChannelOption] | None = None,
    reason: Reason = None,
) -> None:
    """Set the channel for administrative acts, approvals and budget warnings."""
    command = await AdminCommand.open(interaction)
    if channel is None:
        await command.clear("server", {"log_channel"}, reason=reason)
        return
    await command.change(log_rule(command, channel), reason=reason)


def log_rule(command: AdminCommand, channel: discord.abc.Snowflake) -> Change:
    """Return the rule that makes this the log channel.

    Raises:
        OptionRefused: Wanda cannot post there.
    """
    return Change(subject="server", name="log_channel", value=command.log_channel(channel, LOG_NEEDS).id)


@app_commands.describe(
    members="For members who chose nothing in /settings.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.choices(
    members=[
        app_commands.Choice(name="ping them in the channel", value="channel"),
        app_commands.Choice(name="write them a direct message", value="direct"),
        app_commands.Choice(name="don't ping them", value="never"),
    ]
)
async def notify(interaction: Interaction, members: str, reason: Reason = None) -> None:
    """Set how members who chose nothing themselves are told of their videos."""
    command = await AdminCommand.open(interaction)
    await command.change(Change(subject="server", name="pings", value=members), reason=reason)


@app_commands.describe(
    name="Such as Europe/Berlin; type a city to find it.", reason=("Why. It's shown in the audit and the log.")
)
@app_commands.autocomplete(name=offer_zones)
async def timezone(interaction: Interaction, name: str, reason: Reason = None) -> None:
    """Set the timezone of this server's days, weeks and months."""
    command = await AdminCommand.open(interaction)
    await command.change(await zone_rule(name), reason=reason)


async def zone_rule(name: str) -> Change:
    """Return the rule that sets the timezone of this name, or of this city if only one has it.

    Raises:
        OptionRefused: there is none.
    """
    names = await asyncio.to_thread(_zone_names)
    cities = [one for one in names if _same(one.rpartition("/")[2], name)]
    known = next((one for one in names if _same(one, name)), cities[0] if len(cities) == 1 else None)
    if known is None or zone(known) is None:
        raise OptionRefused(
            f"Wanda doesn't know the time zone “{plain(name, 40)}”. Type a city and choose from the list, such as "
            "Europe/Berlin; nothing was changed."
        )
    return Change(subject="server", name="timezone", value=known)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.strip().lower().replace(" ", "_")


@app_commands.describe(
    unclear="Who pays when a video failed and fal may have billed it anyway.",
    at_most="In dollars: the most the server pays for one member in 24 hours. The member pays the rest.",
    reason="Why. It's shown in the audit and the log.",
)
@app_commands.choices(
    unclear=[
        app_commands.Choice(name="charge: the member who asked for it", value="charge"),
        app_commands.Choice(name="absorb: the server, not the member", value="absorb"),
    ]
)
async def policy(interaction: Interaction, unclear: str, at_most: str | None = None, reason: Reason = None) -> None:
    """Set who pays for a failed video that fal may have billed."""
    command = await AdminCommand.open(interaction)
    changes = [Change(subject="server", name="policy", value=unclear)]
    if at_most is not None:
        changes.append(Change(subject="server", name="absorbed", value=typed_amount(at_most)))
    await command.change(*changes, reason=reason)


@app_commands.describe(reason="Why; members are told it.")
async def pause(interaction: Interaction, reason: NeededReason) -> None:
    """Refuse new videos until `resume`."""
    command = await AdminCommand.open(interaction)
    await command.change(Change(subject="server", name="paused", value=reason), reason=reason)


@app_commands.describe(reason="Why. It's shown in the audit and the log.")
async def resume(interaction: Interaction, reason: Reason = None) -> None:
    """End the pause."""
    command = await AdminCommand.open(interaction)
    await command.clear("server", {"paused"}, reason=reason)


COMMANDS = (
    CommandSpec("modes", "Choose which modes and resolutions can be used, by everybody or by a role.", set_modes),
    CommandSpec("approval", "Have videos above a price wait until somebody approves them.", approval),
    CommandSpec("log-channel", "Choose where changes, approvals and budget warnings are posted.", log_channel),
    CommandSpec("notify", "Choose how members hear that their video is ready.", notify),
    CommandSpec("timezone", "Choose where this server's days, weeks and months begin at midnight.", timezone),
    CommandSpec("policy", "Choose who pays for a failed video that fal may have billed.", policy),
    CommandSpec("pause", "Stop new videos for now. Running ones finish.", pause),
    CommandSpec("resume", "End the pause.", resume),
)
