"""Jobs' messages, and who is told of them."""

from typing import ClassVar

from bot.card_style import CardStyle
from bot.settings.group import SettingsGroup, setting


class CardSettings(SettingsGroup):
    """The pace and the retries of Discord messages."""

    title: ClassVar[str] = "Cards"

    style: CardStyle = setting(
        "WANDA_CARD_STYLE",
        "components",
        "How new cards are made: components (a gallery that plays the video), or classic (an embed and an attachment), "
        "for servers whose clients do not play galleries. Cards that stand already stay as they are.",
    )
    edit_interval_s: float = setting(
        "WANDA_EDIT_INTERVAL_S", 4.0, "Interval between progress edits of one card, in seconds.", gt=0
    )
    edits_per_s_max: float = setting(
        "WANDA_EDITS_PER_S_MAX",
        30.0,
        "Progress edits of all cards per second; with more cards each is edited less often.",
        gt=0,
    )
    channel_edit_interval_s: float = setting(
        "WANDA_CHANNEL_EDIT_INTERVAL_S",
        1.5,
        "Interval between progress edits in one channel with the bot's token, in seconds.",
        ge=0,
    )
    edit_age_max_s: float = setting(
        "WANDA_EDIT_AGE_MAX_S", 3600.0, "A card older than this many seconds is replied to, not edited.", gt=0
    )
    token_margin_s: float = setting(
        "WANDA_TOKEN_MARGIN_S", 30.0, "An interaction token is not used in its last seconds; this many.", ge=0
    )
    discord_timeout_s: float = setting(
        "WANDA_DISCORD_TIMEOUT_S",
        45.0,
        "Timeout for one change of a message, with discord.py's own retries, in seconds.",
        gt=0,
    )
    discord_tries: int = setting("WANDA_DISCORD_TRIES", 3, "How often a card's last change is tried.", ge=1, le=10)
    discord_wait_s: float = setting(
        "WANDA_DISCORD_WAIT_S",
        1.0,
        "Wait before a card's last change is retried, in seconds; it doubles each time.",
        gt=0,
    )
    attach_patience_s: float = setting(
        "WANDA_ATTACH_PATIENCE_S",
        900.0,
        "How long attaching a video is retried while Discord is busy, before its link is posted instead, in seconds.",
        ge=0,
    )
    reaction_interval_s: float = setting(
        "WANDA_REACTION_INTERVAL_S", 0.3, "Interval between reactions that Wanda adds, in seconds.", ge=0.25
    )
    rerun_patience_s: float = setting(
        "WANDA_RERUN_PATIENCE_S", 300.0, "How long a reaction's rerun waits for its channel's turn, in seconds.", gt=0
    )
    deletion_wait_s: float = setting(
        "WANDA_DELETE_AFTER_S",
        15.0,
        "How long a ❌ on a video can be taken back before the video is deleted, in seconds.",
        ge=0,
        le=300,
    )
    warning_interval_s: float = setting(
        "WANDA_WATCH_S", 300.0, "Interval between searches for budget warnings not yet posted, in seconds.", gt=0
    )


class PingSettings(SettingsGroup):
    """Short messages that ping whoever waits for a video, and members' own settings."""

    title: ClassVar[str] = "Pings"

    first_order_tip: bool = setting(
        "WANDA_FIRST_ORDER_TIP",
        default=True,
        description="Whether a member's first order in a server is followed by a private tip.",
    )

    quick_s: float = setting(
        "WANDA_PING_AFTER_S",
        20.0,
        "Nobody is pinged about a video that ends within this many seconds of its order.",
        ge=0,
    )
    of_member_hourly_max: int = setting(
        "WANDA_MEMBER_PINGS_HOURLY_MAX", 30, "Pings of one member in a server within an hour; more are left out.", ge=0
    )
    approvals_hourly_max: int = setting(
        "WANDA_SERVER_APPROVAL_PINGS_HOURLY_MAX",
        20,
        "Pings of a server's approvers within an hour; more are left out.",
        ge=0,
    )
    approvals_of_member_hourly_max: int = setting(
        "WANDA_MEMBER_APPROVAL_PINGS_HOURLY_MAX",
        5,
        "Pings of a server's approvers for one member's videos within an hour; more are left out.",
        ge=0,
    )
    tries_max: int = setting("WANDA_PING_TRIES", 8, "How often one ping is tried.", ge=1, le=20)
    wait_s: float = setting(
        "WANDA_PING_WAIT_S", 10.0, "Wait before a ping is tried again, in seconds; it doubles each time.", gt=0
    )
    life_s: float = setting(
        "WANDA_PING_LIFE_S", 6 * 3600.0, "A ping that could not be sent for this many seconds is left out.", gt=0
    )
    interval_s: float = setting(
        "WANDA_PING_LOOK_S", 10.0, "Interval between searches for pings to send again, in seconds.", gt=0
    )
    preferences_max: int = setting(
        "WANDA_SERVER_PREFERENCES_MAX",
        20_000,
        "Members of one server who may have settings of their own (/settings).",
        ge=1,
        le=1_000_000,
    )
    preferences_daily_max: int = setting(
        "WANDA_SERVER_PREFERENCES_DAILY_MAX",
        2_000,
        "Members of one server who may change theirs within 24 hours.",
        ge=1,
        le=1_000_000,
    )
