"""The panel of /settings, and what it takes."""

import pytest

from bot.catalogue.picker import Picker
from bot.catalogue.registry import by_id
from bot.jobs.preferences import Preferences, modes_for_pictures, own_defaults
from bot.ledger.model import Ruled, Source
from bot.settings import DefaultSettings, MoneySettings
from bot.texts import panel as panels
from bot.texts.button_ids import own_setting_id
from bot.texts.menus import ANIMATE, MENU_ENTRIES, own_menu
from bot.texts.own_settings import OwnSettings, checked_choice, own_settings_panel
from bot.texts.panel import List

SHARE = Ruled(1_000_000, Source.of("shipped", "20 % of your allowance"))
OWN = Ruled(330_000, Source("member", "your own choice", "their own choice"))
MODES = [(mode.id, mode.title) for mode in modes_for_pictures()]
PICKER = Picker.of(MoneySettings(), DefaultSettings())
NOTHING = OwnSettings(chosen=Preferences(), pings_here="direct", ask_above=SHARE, modes=MODES)
ALL = OwnSettings(
    chosen=Preferences(pings="never", mode="wan21-image", resolution="480p"),
    pings_here="channel",
    ask_above=OWN,
    modes=MODES,
)


def _chosen(mine: OwnSettings) -> dict[str, str]:
    lists = [one for one in own_settings_panel(mine).blocks if isinstance(one, List)]
    return {one.custom_id: next(each.label for each in one.choices if each.chosen) for one in lists}


def test_each_list_shows_what_holds() -> None:
    """Without a choice a list says what holds; with one, that choice, also a price that no list has."""
    assert _chosen(NOTHING) == {
        own_setting_id("pings"): "As in this server: a direct message",
        own_setting_id("ask"): "A fifth of my allowance: $1.00",
        own_setting_id("resolution"): "Wanda's choice",
        own_setting_id("mode"): "Wanda's choice: Wan 2.7 image",
    }
    assert list(_chosen(ALL).values()) == ["Don't ping me", "$0.33", "480p", "Wan 2.1 image"]


@pytest.mark.parametrize("mine", [NOTHING, ALL])
def test_the_panel_keeps_discords_limits(mine: OwnSettings) -> None:
    """The panel has at most 40 components, 25 choices a list, and labels of 100 characters."""
    panel = own_settings_panel(mine)
    assert panels.component_count(panel) <= panels.COMPONENTS_MAX
    lists = [one for one in panel.blocks if isinstance(one, List)]
    assert all(1 <= len(one.choices) <= panels.CHOICES_MAX for one in lists)
    assert all(len(each.label) <= panels.CHOICE_CHARS_MAX for one in lists for each in one.choices)


def test_only_what_is_offered_is_taken() -> None:
    """A value that the list does not have is refused; the default takes the choice back."""
    assert checked_choice(ALL, "pings", "default") is None
    assert checked_choice(ALL, "ask", "330000") == "330000"
    for value in ("", "330001", "<@1>"):
        with pytest.raises(LookupError):
            checked_choice(ALL, "ask", value)


@pytest.mark.parametrize(
    ("wanted", "resolutions", "own"),
    [
        ("480p", ("720p", "1080p"), {"resolution": "720p"}),
        ("720p", ("720p", "1080p"), {"resolution": "720p"}),
        ("1080p", ("480p", "720p"), {"resolution": "720p"}),
        ("580p", ("480p", "720p"), {"resolution": "480p"}),
        (None, ("480p",), {}),
        ("huge", ("480p",), {}),
        ("480p", (), {}),
    ],
)
def test_a_mode_without_the_resolution_takes_the_next_lower(
    wanted: str | None, resolutions: tuple[str, ...], own: dict[str, str]
) -> None:
    """A member's resolution becomes the nearest that is not dearer, else the lowest."""
    assert own_defaults(Preferences(resolution=wanted), resolutions) == own


def test_animate_picture_uses_the_chosen_mode() -> None:
    """The menu's form asks what the member's mode has; the other menus keep their mode."""
    for mode in modes_for_pictures():
        menu = own_menu(ANIMATE, Preferences(mode=mode.id, resolution="720p"), PICKER)
        assert menu.mode_id == mode.id
        assert set(menu.asks) <= set(by_id(mode.id).specs())
        assert menu.filled_in["resolution"] == "720p"
    for menu in (menu for entry in MENU_ENTRIES[1:] for menu in entry.ways):
        assert own_menu(menu, Preferences(mode="wan21-image"), PICKER).mode_id == menu.mode_id
