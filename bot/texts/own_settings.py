"""The private panel of `/settings`: four lists, each with what is chosen and what holds without a choice."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.preferences import Pings, Preferences, resolutions_of_all
from bot.ledger.model import Ruled
from bot.money import dollars
from bot.texts.button_ids import OwnSetting, own_setting_id
from bot.texts.card import BLUE, Choice
from bot.texts.panel import CHOICE_CHARS_MAX, List, Panel, Text
from bot.texts.plain import cut

DEFAULT = "default"  # the value of the choice that takes the member's own back
ASK_ABOVE_MICROUSD = (0, 100_000, 250_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000)
_PINGS: dict[Pings, str] = {
    "channel": "Ping me in the channel",
    "direct": "Send me a direct message",
    "never": "Don't ping me",
}
_HERE: dict[Pings, str] = {
    "channel": "a ping in the channel",
    "direct": "a direct message",
    "never": "no ping",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSettings:
    """What the member chose in this server, and what holds where they chose nothing.

    `ask_above` is the price above which Wanda asks them first. `modes` are (id, title) of those that "Animate picture"
    can use, the one that it has without a choice first.
    """

    chosen: Preferences
    pings_here: Pings
    ask_above: Ruled[int]
    modes: Sequence[tuple[str, str]]

    @property
    def asks_by_choice(self) -> bool:
        """Whether the member set the price themself."""
        return self.ask_above.source.setter == "member"


def own_settings_panel(mine: OwnSettings) -> Panel:
    """Return the panel; each list has the present choice filled in."""
    chosen = mine.chosen
    return Panel(
        (
            Text("## Your settings in this server\nOnly you see this. A choice holds from your next video on."),
            Text("**When a video is ready or didn't work out**"),
            _list("pings", _pings(mine)),
            Text("**Ask me first when a video costs more than**"),
            _list("ask", _ask_above(mine)),
            Text("**Resolution, where I don't choose one**\n-# A mode that doesn't have it takes the next lower one."),
            _list("resolution", _with_default(chosen.resolution, "Wanda's choice", _resolutions())),
            Text("**What “Animate picture” uses**"),
            _list("mode", _with_default(chosen.mode, f"Wanda's choice: {mine.modes[0][1]}", mine.modes)),
        ),
        BLUE,
    )


def _list(what: OwnSetting, choices: Sequence[Choice]) -> List:
    return List(custom_id=own_setting_id(what), placeholder="Choose", choices=choices)


def _with_default(chosen: str | None, default: str, others: Sequence[tuple[str, str]]) -> tuple[Choice, ...]:
    """Return the choice that takes the own one back, and the others as (value, label)."""
    return (
        Choice(cut(default, CHOICE_CHARS_MAX), DEFAULT, chosen=chosen is None),
        *(Choice(label, value, chosen=value == chosen) for value, label in others),
    )


def _pings(mine: OwnSettings) -> tuple[Choice, ...]:
    default = f"As in this server: {_HERE[mine.pings_here]}"
    return _with_default(mine.chosen.pings, default, list(_PINGS.items()))


def _ask_above(mine: OwnSettings) -> tuple[Choice, ...]:
    own = mine.ask_above.value if mine.asks_by_choice else None
    amounts = sorted({*ASK_ABOVE_MICROUSD, *(() if own is None else (own,))})
    labels = [(str(one), dollars(one) if one else "$0.00: ask me every time") for one in amounts]
    default = (
        "A fifth of my allowance" if own is not None else f"A fifth of my allowance: {dollars(mine.ask_above.value)}"
    )
    return _with_default(None if own is None else str(own), default, labels)


def _resolutions() -> list[tuple[str, str]]:
    return [(one, one) for one in resolutions_of_all()]


def checked_choice(mine: OwnSettings, what: OwnSetting, value: str) -> str | None:
    """Return the chosen value, None for the default.

    Raises:
        LookupError: the list has no such choice: anybody can send any value.
    """
    lists = {one.custom_id: one for one in own_settings_panel(mine).blocks if isinstance(one, List)}
    if value not in {one.value for one in lists[own_setting_id(what)].choices}:
        raise LookupError(f"there is no choice {value[:40]!r} of {what}")
    return None if value == DEFAULT else value
