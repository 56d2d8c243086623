"""How jobs run, and how fal is watched."""

from decimal import Decimal
from typing import ClassVar

from bot.money import MICROUSD_PER_USD
from bot.settings.group import SettingsGroup, setting


class JobSettings(SettingsGroup):
    """How many jobs run at once, and how long they wait."""

    title: ClassVar[str] = "Jobs"

    in_flight_max: int = setting(
        "WANDA_JOBS_IN_FLIGHT_MAX",
        1000,
        "Unfinished jobs of all servers, in each process, without those waiting for approval; one more is refused.",
        operator=True,
        ge=1,
    )
    in_flight_in_server_max: int = setting("WANDA_SERVER_JOBS_IN_FLIGHT_MAX", 250, "The same, of one server.", ge=1)
    in_flight_of_member_max: int = setting(
        "WANDA_MEMBER_JOBS_IN_FLIGHT_MAX", 25, "The same, of one member in a server.", ge=1
    )
    waiting_in_server_max: int = setting(
        "WANDA_SERVER_JOBS_WAITING_MAX", 100, "Jobs of one server that wait for approval.", ge=1
    )
    waiting_of_member_max: int = setting(
        "WANDA_MEMBER_JOBS_WAITING_MAX", 10, "Jobs of one member in a server that wait for approval.", ge=1
    )
    waiting_mb_in_server_max: int = setting(
        "WANDA_SERVER_WAITING_MB_MAX",
        2000,
        "Files of one server's members that wait on disk for an approval or a confirmation or are being read, in MB.",
        ge=1,
    )
    waiting_mb_of_member_max: int = setting(
        "WANDA_MEMBER_WAITING_MB_MAX", 300, "The same, of one member in a server, in MB.", ge=1
    )
    retry_mb_of_member_max: int = setting(
        "WANDA_RETRY_MB_MAX",
        50,
        "Files of one member's videos that were not made, which Wanda keeps for another try, in MB.",
        ge=0,
    )
    retry_mb_in_server_max: int = setting(
        "WANDA_SERVER_RETRY_MB_MAX",
        500,
        "Files of one server's videos that were not made, which Wanda keeps for another try, in MB.",
        ge=0,
    )
    submits_at_once: int = setting(
        "WANDA_SUBMITS_AT_ONCE",
        4,
        "How many jobs upload their inputs at once, and how many submit at once.",
        ge=1,
        le=256,
    )
    take_up_at_once: int = setting(
        "WANDA_TAKE_UP_AT_ONCE",
        8,
        "How many jobs begin at once, or continue at once after a restart.",
        ge=1,
        le=1000,
    )
    deliveries_at_once: int = setting("WANDA_DELIVERIES_AT_ONCE", 4, "How many videos are posted at once.", ge=1, le=64)
    pending_orders_max: int = setting(
        "WANDA_DRAFTS_MAX", 500, "Orders that wait for their member's confirmation, in all servers.", ge=1
    )
    pending_orders_in_server_max: int = setting(
        "WANDA_SERVER_DRAFTS_MAX", 100, "Orders of one server that wait for their member's confirmation.", ge=1
    )
    pending_orders_each_max: int = setting(
        "WANDA_DRAFTS_EACH_MAX", 3, "Orders of one member that wait for confirmation.", ge=1
    )
    forms_max: int = setting("WANDA_FORMS_MAX", 2000, "Open forms in all servers; one more closes an old one.", ge=1)
    forms_in_server_max: int = setting("WANDA_SERVER_FORMS_MAX", 200, "Open forms in one server.", ge=1)
    forms_each_max: int = setting("WANDA_FORMS_EACH_MAX", 5, "Open forms of one member.", ge=1)
    pending_order_life_s: float = setting(
        "WANDA_DRAFT_LIFE_S", 840.0, "How long an order waits for its member's confirmation, in seconds.", gt=0, le=890
    )
    refused_orders_max: int = setting(
        "WANDA_REFUSED_MAX", 1000, "Refused orders in all servers whose text Wanda keeps to be mended.", ge=1
    )
    refused_orders_in_server_max: int = setting(
        "WANDA_SERVER_REFUSED_MAX", 200, "Refused orders of one server that Wanda keeps.", ge=1
    )
    refused_orders_each_max: int = setting(
        "WANDA_REFUSED_EACH_MAX", 5, "Refused orders of one member that Wanda keeps.", ge=1
    )
    refused_order_life_s: float = setting(
        "WANDA_REFUSED_LIFE_S", 3600.0, "How long a refused order can be mended, in seconds.", gt=0, le=86_400
    )
    deadline_s: float = setting(
        "WANDA_JOB_DEADLINE_S",
        6 * 3600.0,
        "A job that fal has not finished after this many seconds is given up as uncertain.",
        gt=0,
    )
    paid_patience_s: float = setting(
        "WANDA_PAID_PATIENCE_S",
        7 * 86_400.0,
        "How long fetching and posting a video that fal made is tried again, in seconds: as long as fal keeps it.",
        gt=0,
    )
    paid_wait_s: float = setting(
        "WANDA_PAID_WAIT_S", 2.0, "The first wait between these tries, in seconds; it grows with every try.", gt=0
    )
    paid_wait_max_s: float = setting(
        "WANDA_PAID_WAIT_MAX_S", 1800.0, "The longest wait between these tries, in seconds.", gt=0
    )
    link_after_s: float = setting(
        "WANDA_LINK_AFTER_S",
        30.0,
        "How long fetching a finished video is tried before fal's link is posted, in seconds; the video replaces the "
        "link when it comes.",
        ge=0,
    )
    late_look_s: float = setting(
        "WANDA_LATE_LOOK_S",
        5.0,
        "Interval between searches for late videos that are to be tried again, in seconds.",
        gt=0,
    )
    overdue_s: float = setting(
        "WANDA_JOB_OVERDUE_S",
        6 * 3600.0,
        "A job that is unfinished this many seconds after its deadline, or in a step without one, is ended by force.",
        gt=0,
    )
    account_pause_s: float = setting(
        "WANDA_ACCOUNT_PAUSE_S",
        15.0,
        "Interval between retries while fal says the account is locked, in seconds.",
        gt=0,
    )
    account_patience_s: float = setting(
        "WANDA_ACCOUNT_PATIENCE_S",
        180.0,
        "How long a job waits for a locked fal account before it fails, in seconds.",
        ge=0,
    )
    storage_patience_s: float = setting(
        "WANDA_STORAGE_PATIENCE_S",
        600.0,
        "How long a running job waits for the database before it is left for the next start, in seconds.",
        gt=0,
    )
    recheck_s: float = setting(
        "WANDA_RECHECK_S", 60.0, "Interval between searches for unfinished jobs without a task, in seconds.", gt=0
    )
    delivery_tries: int = setting("WANDA_DELIVERY_TRIES", 12, "How often posting one video is tried.", ge=1, le=50)
    delivery_wait_s: float = setting(
        "WANDA_DELIVERY_WAIT_S", 5.0, "Wait before posting a video is retried, in seconds; it doubles each time.", gt=0
    )
    shutdown_timeout_s: float = setting(
        "WANDA_SHUTDOWN_TIMEOUT_S", 8.0, "Longest time from SIGTERM to the end of the program, in seconds.", gt=0, le=9
    )

    def delivery_pause_s(self, retry: int) -> float:
        """Return the seconds before this retry of a delivery; the first one is 1."""
        return self.delivery_wait_s * 2 ** (retry - 1)


class WatchSettings(SettingsGroup):
    """What Wanda looks at at fal before members meet it, and where she tells whoever runs her."""

    title: ClassVar[str] = "Watching fal"

    operator_channel_id: int | None = setting(
        "WANDA_OPERATOR_CHANNEL_ID",
        None,
        "Id of a channel where Wanda tells you what is wrong with fal, and when it is over; empty for the log alone.",
        ge=1,
        lt=2**63,
    )
    balance_warn_usd: Decimal = setting(
        "WANDA_FAL_BALANCE_WARN_USD",
        Decimal(10),
        "With FAL_ADMIN_KEY: you are told when the account's balance is below this.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    modes_kept_on: str = setting(
        "WANDA_MODES_KEPT_ON",
        "",
        "Ids of modes that stay on whatever fal's price list or schema says, separated by commas; you are told all the "
        "same.",
    )
    list_every_s: float = setting(
        "WANDA_FAL_LIST_EVERY_S",
        86_400.0,
        "Interval between looks at fal's price list and at the schema of each mode, in seconds.",
        gt=0,
        le=7 * 86_400,
    )
    list_again_s: float = setting(
        "WANDA_FAL_LIST_AGAIN_S",
        1800.0,
        "The same, while the list or a schema could not be read, or does not fit, in seconds.",
        gt=0,
        le=86_400,
    )
    account_every_s: float = setting(
        "WANDA_FAL_ACCOUNT_EVERY_S",
        600.0,
        "Interval between looks at the account: whether fal takes orders and, with FAL_ADMIN_KEY, its balance, in "
        "seconds.",
        gt=0,
        le=86_400,
    )
    alarms_every_s: float = setting(
        "WANDA_ALARMS_EVERY_S",
        10.0,
        "How late a process knows what another one has found wrong with fal, at most, in seconds.",
        gt=0,
        le=600,
    )
    news_pause_s: float = setting(
        "WANDA_NEWS_PAUSE_S",
        60.0,
        "Shortest time between two messages in the operators' channel, in seconds; what is new by then comes together.",
        gt=0,
        le=86_400,
    )
    news_calm_s: float = setting(
        "WANDA_NEWS_CALM_S",
        300.0,
        "How long a trouble has to be over before its end is told, in seconds.",
        ge=0,
        le=86_400,
    )

    @property
    def kept_on(self) -> frozenset[str]:
        """The ids of the modes that stay on."""
        return frozenset(self.modes_kept_on.replace(",", " ").split())

    @property
    def balance_warn_microusd(self) -> int:
        """The balance below which the operator is told, in micro-dollars."""
        return int(self.balance_warn_usd * MICROUSD_PER_USD)
