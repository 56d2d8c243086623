"""Prices, budgets and caps, and fal's bill."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from pydantic import field_validator

from bot.money import MICROUSD_PER_USD
from bot.settings.group import SettingsGroup, setting


class MoneySettings(SettingsGroup):
    """Default budgets, the operator's caps and stated prices. Dollars are exact decimals."""

    title: ClassVar[str] = "Money"

    member_daily_usd: Decimal = setting(
        "WANDA_MEMBER_DAILY_USD",
        Decimal(5),
        "What each member may spend in a day, until the server's admins set an allowance.",
        operator=True,
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    server_monthly_usd: Decimal = setting(
        "WANDA_SERVER_MONTHLY_USD",
        Decimal(50),
        "What each server may spend in a month, until its admins set a pool.",
        operator=True,
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    server_cap_monthly_usd: Decimal | None = setting(
        "WANDA_SERVER_CAP_MONTHLY_USD",
        None,
        "The most any one server may spend in a month (UTC), whatever its admins say; empty for no cap.",
        operator=True,
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    total_cap_monthly_usd: Decimal | None = setting(
        "WANDA_TOTAL_CAP_MONTHLY_USD",
        None,
        "The most all servers together may spend in a month (UTC); empty for no cap.",
        operator=True,
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    allowed_servers: str = setting(
        "WANDA_ALLOWED_SERVERS",
        "",
        "Ids of the servers that may make videos, separated by commas; empty for all.",
        operator=True,
    )
    absorbed_daily_usd: Decimal = setting(
        "WANDA_ABSORBED_DAILY_USD",
        Decimal(1),
        "What a server pays at most, in 24 hours, for one member's failed videos that fal may have billed, beside "
        "the first uncertain one, until its admins set another amount; the rest is charged to the member.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    fruitless_max: int = setting(
        "WANDA_FRUITLESS_MAX",
        3,
        "After so many videos of a member that fal began within an hour and that were cancelled or refused, the next "
        "one has to wait.",
        ge=1,
        le=1000,
    )
    fruitless_wait_s: float = setting(
        "WANDA_FRUITLESS_WAIT_S",
        300.0,
        "How long that wait is, in seconds; it doubles with each further one, up to an hour.",
        ge=0,
        le=3600,
    )
    requests_open_max: int = setting(
        "WANDA_MONEY_REQUESTS_MAX",
        50,
        "How many members of one server may wait for an admin's answer to their request for more money.",
        ge=1,
        le=1000,
    )
    request_life_s: float = setting(
        "WANDA_MONEY_REQUEST_LIFE_S",
        86_400.0,
        "How long a member's request for more money can be answered, in seconds.",
        gt=0,
        le=7 * 86_400,
    )
    request_wait_s: float = setting(
        "WANDA_MONEY_REQUEST_WAIT_S",
        600.0,
        "How long a member waits from one request for more money to the next, in seconds.",
        ge=0,
        le=86_400,
    )
    asks_max: int = setting(
        "WANDA_SERVER_ASKS_MAX",
        20_000,
        "Members of one server who may have a price of their own above which Wanda asks them first.",
        ge=1,
        le=1_000_000,
    )
    asks_daily_max: int = setting(
        "WANDA_SERVER_ASKS_DAILY_MAX",
        2_000,
        "Members of one server who may set that price within 24 hours.",
        ge=1,
        le=1_000_000,
    )
    rehearsal_days: int = setting(
        "WANDA_REHEARSAL_DAYS",
        30,
        "Before a rule is set, how many past days are looked at for videos that it would have refused; 0 for none.",
        ge=0,
        le=90,
    )
    rehearsal_jobs_max: int = setting(
        "WANDA_REHEARSAL_JOBS_MAX",
        2000,
        "How many of a server's latest videos are looked at for that.",
        ge=1,
        le=20_000,
    )
    rehearsal_within_s: float = setting(
        "WANDA_REHEARSAL_WITHIN_S",
        5.0,
        "How long that may take, in seconds; a rule whose look back takes longer is set without it.",
        gt=0,
        le=60,
    )
    # Shipped as https://fal.ai/models/fal-ai/wan-25-preview/image-to-video states them, read on 2026-11-20.
    wan25_480p_usd: Decimal = setting(
        "WANDA_WAN25_480P_USD",
        Decimal("0.05"),
        "Price of every Wan 2.5 mode at 480p, in dollars per second; 0 turns this resolution off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )
    wan25_720p_usd: Decimal = setting(
        "WANDA_WAN25_720P_USD",
        Decimal("0.10"),
        "Price of every Wan 2.5 mode at 720p, in dollars per second; 0 turns this resolution off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )
    wan25_1080p_usd: Decimal = setting(
        "WANDA_WAN25_1080P_USD",
        Decimal("0.15"),
        "Price of every Wan 2.5 mode at 1080p, in dollars per second; 0 turns this resolution off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )
    # https://fal.ai/models/fal-ai/wan/v2.7/text-to-video states a base price only, not how resolutions count.
    wan27_text_720p_usd: Decimal = setting(
        "WANDA_WAN27_TEXT_720P_USD",
        Decimal("0.10"),
        "Price of `/wan27 text` at 720p, in dollars per second; 0 turns this resolution off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )
    wan27_text_1080p_usd: Decimal = setting(
        "WANDA_WAN27_TEXT_1080P_USD",
        Decimal("0.10"),
        "Price of `/wan27 text` at 1080p, in dollars per second; 0 turns this resolution off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )

    @field_validator("allowed_servers")
    @classmethod
    def _server_ids(cls, value: str) -> str:
        """Refuse anything but ids, so that a typo neither locks every server out nor lets one in."""
        if not all(part.strip().isdecimal() for part in value.split(",") if part.strip()):
            raise ValueError("the allowed servers are ids, whole numbers with commas between, for example 123,456")
        return value

    base_prices_usd: str = setting(
        "WANDA_BASE_PRICES_USD",
        "",
        "fal's list price of modes where it moved, written wan27-image=0.12; all prices of the mode move with it.",
    )

    @property
    def prices_usd(self) -> Mapping[str, Mapping[str, Decimal]]:
        """The stated prices in dollars, by resolution, of a family of modes or of one mode; that of a mode wins."""
        return {
            "wan25": {"480p": self.wan25_480p_usd, "720p": self.wan25_720p_usd, "1080p": self.wan25_1080p_usd},
            "wan27-text": {"720p": self.wan27_text_720p_usd, "1080p": self.wan27_text_1080p_usd},
        }

    @property
    def member_daily_microusd(self) -> int:
        """What a member may spend in a day, in micro-dollars."""
        return int(self.member_daily_usd * MICROUSD_PER_USD)

    @property
    def server_monthly_microusd(self) -> int:
        """What a server may spend in a month, in micro-dollars."""
        return int(self.server_monthly_usd * MICROUSD_PER_USD)

    @property
    def absorbed_daily_microusd(self) -> int:
        """What a server pays for one member's failed videos in 24 hours, in micro-dollars."""
        return int(self.absorbed_daily_usd * MICROUSD_PER_USD)

    @property
    def server_cap_microusd(self) -> int | None:
        """The operator's cap for each server's month, in micro-dollars, or None."""
        return None if self.server_cap_monthly_usd is None else int(self.server_cap_monthly_usd * MICROUSD_PER_USD)

    @property
    def total_cap_microusd(self) -> int | None:
        """The operator's cap for all servers' month, in micro-dollars, or None."""
        return None if self.total_cap_monthly_usd is None else int(self.total_cap_monthly_usd * MICROUSD_PER_USD)

    @property
    def allowed_server_ids(self) -> frozenset[int]:
        """The servers that may make videos; empty for all."""
        return frozenset(int(part) for part in self.allowed_servers.split(",") if part.strip())


class BillSettings(SettingsGroup):
    """What Wanda reads of fal's bill and of its past requests."""

    title: ClassVar[str] = "fal's bill"

    interval_s: float = setting(
        "WANDA_FAL_BILL_S",
        3600.0,
        "With FAL_ADMIN_KEY: how often fal's bill is read and compared with the books, in seconds.",
        gt=0,
    )
    again_h: float = setting(
        "WANDA_FAL_BILL_AGAIN_H",
        72.0,
        "How far back fal's bill is read again each time, in hours: events may come late and change. A request without "
        "a video that was not billed for so long is taken for free.",
        gt=0,
        le=60 * 24,
    )
    first_days: float = setting(
        "WANDA_FAL_BILL_FIRST_DAYS", 7.0, "How far back fal's bill is read the first time, in days.", gt=0, le=60
    )
    keep_days: float = setting(
        "WANDA_FAL_BILL_KEEP_DAYS",
        90.0,
        "How long fal's billing events are kept for `python -m bot ledger`, in days; fal tells no older ones.",
        ge=61,
        le=3650,
    )
    page_events: int = setting("WANDA_FAL_BILL_PAGE", 1000, "Billing events in one reply of fal's.", ge=1, le=10_000)
    search_s: float = setting(
        "WANDA_FAL_SEARCH_S",
        300.0,
        "How often fal's past requests are searched for jobs whose submit's reply was lost, in seconds.",
        gt=0,
    )
    search_pages: int = setting(
        "WANDA_FAL_SEARCH_PAGES",
        20,
        "Pages of fal's past requests, 100 each, that one search for lost jobs reads at most.",
        ge=1,
        le=1000,
    )
