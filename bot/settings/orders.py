"""What an order is made of, and the ways to order: films, chip-ins, drafts and presets."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from bot.money import MICROUSD_PER_USD
from bot.settings.group import SettingsGroup, setting


class DefaultSettings(SettingsGroup):
    """What a video is made with where its member names no resolution or length, by mode.

    Shipped is the cheapest that looks good, 720p and about 5 s, not fal's own defaults, which are the dearest: 1080p
    costs half as much again, takes longer and often has to be shrunk for Discord, and "Final" makes it of any video
    worth it.
    """

    title: ClassVar[str] = "Defaults"

    wan27_image: str = setting(
        "WANDA_DEFAULT_WAN27_IMAGE",
        "resolution=720p duration=5",
        "Resolution and length of `/wan27 image` where a member names none.",
    )
    wan27_text: str = setting("WANDA_DEFAULT_WAN27_TEXT", "resolution=720p duration=5", "The same, of `/wan27 text`.")
    wan27_reference: str = setting(
        "WANDA_DEFAULT_WAN27_REFERENCE", "resolution=720p duration=5", "The same, of `/wan27 reference`."
    )
    wan27_edit: str = setting(
        "WANDA_DEFAULT_WAN27_EDIT",
        "resolution=720p duration=0",
        "The same, of `/wan27 edit`; a duration of 0 keeps the whole clip.",
    )
    wan25_image: str = setting(
        "WANDA_DEFAULT_WAN25_IMAGE", "resolution=720p duration=5", "The same, of `/wan25 image`."
    )
    wan25_text: str = setting("WANDA_DEFAULT_WAN25_TEXT", "resolution=720p duration=5", "The same, of `/wan25 text`.")
    wan22_video: str = setting(
        "WANDA_DEFAULT_WAN22_VIDEO", "resolution=720p num_frames=81", "The same, of `/wan22 video`."
    )
    wan21_image: str = setting(
        "WANDA_DEFAULT_WAN21_IMAGE", "resolution=720p num_frames=81", "The same, of `/wan21 image`."
    )

    @property
    def by_mode(self) -> Mapping[str, str]:
        """The stated defaults by mode id; `bot.catalogue.picker` reads them."""
        return {name.replace("_", "-"): str(value) for name, value in self}


class ContentSettings(SettingsGroup):
    """The size of servers' lists of refused words."""

    title: ClassVar[str] = "Content rules"

    words_max: int = setting(
        "WANDA_REFUSED_WORDS_MAX", 300, "Refused words of one server, with those of its roles.", ge=1, le=2000
    )
    word_chars_max: int = setting(
        "WANDA_REFUSED_WORD_CHARS_MAX", 40, "Longest refused word or phrase, in characters.", ge=1, le=100
    )


class PresetSettings(SettingsGroup):
    """Bounds on presets."""

    title: ClassVar[str] = "Presets"

    of_member_max: int = setting(
        "WANDA_MEMBER_PRESETS_MAX", 25, "Presets that one member may have in a server (/preset).", ge=1, le=1000
    )
    of_server_max: int = setting(
        "WANDA_SERVER_PRESETS_MAX",
        25,
        "Presets that a server's admins may keep for all its members.",
        ge=1,
        le=1000,
    )
    in_server_max: int = setting(
        "WANDA_PRESETS_IN_SERVER_MAX", 2000, "Presets of a server and all its members together.", ge=1, le=100_000
    )


class ChipInSettings(SettingsGroup):
    """Videos that several members pay for."""

    title: ClassVar[str] = "Chipping in"

    each_max: int = setting(
        "WANDA_CHIP_INS_EACH_MAX",
        2,
        "How many videos of one member in a server may wait for others to chip in; 0 turns chipping in off.",
        ge=0,
        le=100,
    )
    in_server_max: int = setting(
        "WANDA_CHIP_INS_IN_SERVER_MAX",
        20,
        "How many videos of one server may wait for members to chip in.",
        ge=0,
        le=1000,
    )
    life_s: float = setting(
        "WANDA_CHIP_IN_LIFE_S",
        86_400.0,
        "How long members can chip in for a video, in seconds; then everybody gets their money back.",
        gt=0,
        le=7 * 86_400,
    )
    shares_max: int = setting(
        "WANDA_CHIP_IN_SHARES_MAX", 25, "How many amounts can be added for one video.", ge=2, le=100
    )
    shares_each_max: int = setting(
        "WANDA_CHIP_IN_SHARES_EACH_MAX", 5, "How many of these amounts can be one member's.", ge=1, le=100
    )
    least_usd: Decimal = setting(
        "WANDA_CHIP_IN_LEAST_USD",
        Decimal("0.05"),
        "The least amount that a member can add, in dollars, unless less is missing.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    look_s: float = setting(
        "WANDA_CHIP_IN_LOOK_S",
        30.0,
        "Interval between looks for videos to chip in for whose time is over, or for which there is a place again, in "
        "seconds.",
        gt=0,
        le=3600,
    )

    @property
    def least_microusd(self) -> int:
        """`least_usd` in micro-dollars."""
        return int(self.least_usd * MICROUSD_PER_USD)


class PickSettings(SettingsGroup):
    """Drafts of which one is picked and made in full, and votes for them."""

    title: ClassVar[str] = "Drafts and votes"

    open_s: float = setting(
        "WANDA_PICK_S",
        86_400.0,
        "How long members may pick once their drafts are ready, in seconds; until then the final's price is set aside.",
        gt=0,
        le=30 * 86_400,
    )
    make_s: float = setting(
        "WANDA_PICKED_S",
        3600.0,
        "How long a picked draft waits for a place to be made in full, in seconds; then its price is free again.",
        gt=0,
        le=86_400,
    )
    look_s: float = setting("WANDA_PICK_LOOK_S", 5.0, "Interval between looks at picks and votes, in seconds.", gt=0)
    draw_s: float = setting(
        "WANDA_VOTE_EDIT_S", 5.0, "Shortest time between two edits of a message that counts votes, in seconds.", gt=0
    )
    draw_old_s: float = setting(
        "WANDA_VOTE_EDIT_OLD_S",
        300.0,
        "The same for messages older than an hour, whose edits Discord limits, in seconds.",
        gt=0,
    )
    voters_max: int = setting(
        "WANDA_VOTERS_MAX", 5000, "Members who may vote on one member's drafts.", ge=1, le=1_000_000
    )


class FilmSettings(SettingsGroup):
    """Films: how long they are, how many there are, and how long they wait."""

    title: ClassVar[str] = "Films"

    seconds_max: int = setting("WANDA_FILM_SECONDS_MAX", 120, "Seconds of all shots of a film.", ge=4, le=600)
    shots_at_once: int = setting("WANDA_FILM_SHOTS_AT_ONCE", 4, "Shots of one film that are made at once.", ge=1, le=8)
    open_of_member_max: int = setting(
        "WANDA_MEMBER_FILMS_MAX", 3, "Films of one member in a server that are being made, or paused.", ge=1, le=100
    )
    drafts_of_member_max: int = setting(
        "WANDA_MEMBER_FILM_DRAFTS_MAX", 3, "Films of one member in a server that they are still writing.", ge=1, le=100
    )
    drafts_in_server_max: int = setting(
        "WANDA_SERVER_FILM_DRAFTS_MAX", 200, "The same, of all members of one server.", ge=1
    )
    draft_days: float = setting(
        "WANDA_FILM_DRAFT_DAYS", 7.0, "Days until a film that nobody goes on writing is deleted.", gt=0, le=365
    )
    life_hours: float = setting(
        "WANDA_FILM_LIFE_HOURS",
        48.0,
        "Hours until an unfinished film goes on without the shots that are not made; nothing is charged for those.",
        gt=0,
        le=720,
    )
    look_s: float = setting(
        "WANDA_FILM_LOOK_S", 20.0, "How often all unfinished films are looked at, in seconds.", gt=0, le=3600
    )
    at_once: int = setting("WANDA_FILMS_AT_ONCE", 16, "Films that take a step at once, in each process.", ge=1, le=1000)
    under_way_max: int = setting(
        "WANDA_FILMS_UNDER_WAY_MAX", 500, "Films that one process goes on with; others are looked at after them.", ge=1
    )
    takes_max: int = setting("WANDA_FILM_TAKES_MAX", 30, "Tries of one shot: the first, and those after it.", ge=1)
