"""The processes: their web server, shards, log, start and stop, and exports."""

from typing import ClassVar, Literal

from pydantic import field_validator

from bot.settings.group import SettingsGroup, setting
from bot.settings.values import PublicAddress
from bot.sharding import COUNT_MAX, ShardPlan, shard_plan


class WebSettings(SettingsGroup):
    """Where the web server listens, and what fal may send it."""

    title: ClassVar[str] = "Web"

    host: str = setting("WANDA_WEB_HOST", "127.0.0.1", "Address on which the web server listens.")
    port: int = setting(
        "WANDA_WEB_PORT",
        8422,
        "Port of the web server (/healthz, /readyz, /metrics); 0 turns it off.",
        operator=True,
        ge=0,
        le=65535,
    )
    metrics_interval_s: float = setting(
        "WANDA_METRICS_INTERVAL_S",
        15.0,
        "How often /metrics reads jobs, money and the disk anew at most, in seconds.",
        ge=0,
        le=3600,
    )
    metrics_wait_s: float = setting(
        "WANDA_METRICS_WAIT_S",
        3.0,
        "How long an answer of /metrics waits for that at most, in seconds; what is late is in the next answer.",
        gt=0,
        le=60,
    )
    metrics_files_max: int = setting(
        "WANDA_METRICS_FILES_MAX",
        100_000,
        "Files of one folder whose sizes /metrics adds up; a folder with more keeps its last figure.",
        ge=0,
        le=10_000_000,
    )
    public_url: PublicAddress | None = setting(
        "WANDA_PUBLIC_URL",
        None,
        "The https address at which a proxy of yours brings requests to this web server; fal then calls "
        "<address>/fal/… when a video is made. Without it Wanda follows every video herself.",
    )
    webhooks_at_once: int = setting(
        "WANDA_WEBHOOKS_AT_ONCE", 32, "How many of fal's webhooks are taken at once; fal sends the others again.", ge=1
    )
    webhook_kib_max: int = setting(
        "WANDA_WEBHOOK_KIB_MAX", 512, "Largest webhook that is read, in KiB.", ge=16, le=65_536
    )
    connections_max: int = setting(
        "WANDA_WEB_CONNECTIONS_MAX",
        200,
        "Connections to the web server at a time; one more takes the place of the one that has said nothing longest.",
        ge=1,
        le=10_000,
    )
    request_s: float = setting(
        "WANDA_WEB_REQUEST_S",
        15.0,
        "How long a client of the web server may take to send a whole request, in seconds; then its connection ends.",
        gt=0,
        le=600,
    )
    idle_s: float = setting(
        "WANDA_WEB_IDLE_S",
        150.0,
        "How long a connection to the web server is kept for the next request, in seconds: longer than your proxy "
        "keeps it.",
        gt=0,
        le=3600,
    )


class RunningSettings(SettingsGroup):
    """The start, and what happens when Wanda cannot work."""

    title: ClassVar[str] = "Running"

    start_patience_s: float = setting(
        "WANDA_START_PATIENCE_S",
        300.0,
        "How long the start waits for a Discord or a PostgreSQL that is not there yet, in seconds.",
        ge=0,
    )
    health_interval_s: float = setting(
        "WANDA_HEALTH_INTERVAL_S",
        15.0,
        "Interval between checks of the database, the data folder and the connection to Discord, in seconds.",
        gt=0,
        le=600,
    )
    unhealthy_max_s: float = setting(
        "WANDA_UNHEALTHY_MAX_S",
        300.0,
        "Wanda ends with an error when the database, the data folder or Discord's gateway has failed for this many "
        "seconds, so that she is started again; 0 for never.",
        ge=0,
    )


class ShardSettings(SettingsGroup):
    """How several processes divide the servers among them; docs/operate.md leads there."""

    title: ClassVar[str] = "Several processes"

    shards: str = setting(
        "WANDA_SHARDS",
        "all",
        "Which of Discord's shards this process works on: all, in the number that Discord recommends; auto/16 for any "
        "of 16 that are free, standing by for the rest; 0-3/16 for these four, standing by while another has them. All "
        "processes name the same number. Anything but all needs PostgreSQL.",
    )
    shards_max: int = setting(
        "WANDA_SHARDS_MAX",
        0,
        "Most shards that this process takes; 0 for no bound. With two processes and a third that stands by for "
        "auto/16, 8 in each.",
        ge=0,
        le=COUNT_MAX,
    )
    look_s: float = setting(
        "WANDA_SHARDS_LOOK_S",
        0.2,
        "Interval between a process's looks for free shards, while it takes any, in seconds: how late a takeover "
        "begins. That what it has is still its own is checked every second.",
        gt=0,
        le=10,
    )
    unchecked_max_s: float = setting(
        "WANDA_SHARDS_UNCHECKED_MAX_S",
        30.0,
        "A process with some of the shards ends with an error when it could not check for so many seconds that they "
        "are still its own, because another one may have them by now.",
        ge=5,
    )
    identify_every_s: float = setting(
        "WANDA_IDENTIFY_EVERY_S",
        5.2,
        "Time between two session starts at Discord, over all processes, in seconds. Discord's limit is 5; the rest is "
        "for one that is longer on its way than the next.",
        ge=0,
        le=60,
    )

    @property
    def plan(self) -> ShardPlan:
        """What `shards` says."""
        return shard_plan(self.shards)

    @field_validator("shards")
    @classmethod
    def _readable_shards(cls, value: str) -> str:
        shard_plan(value)
        return value


class LogSettings(SettingsGroup):
    """What is logged."""

    title: ClassVar[str] = "Logging"

    level: str = setting(
        "WANDA_LOG_LEVEL", "INFO", "Least severe level that is logged: DEBUG, INFO, WARNING or ERROR.", operator=True
    )

    @field_validator("level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        """Accept the standard names alone, so that a typo is an error."""
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("the log level is DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    format: Literal["auto", "text", "json"] = setting(
        "WANDA_LOG_FORMAT",
        "auto",
        "How lines are logged: text for people, json for programs; auto is text on a terminal, else json.",
    )


class ExportSettings(SettingsGroup):
    """The size of exports."""

    title: ClassVar[str] = "Exports"

    rows_max: int = setting(
        "WANDA_EXPORT_ROWS_MAX", 100_000, "Most rows in one file of an export.", ge=1, le=10_000_000
    )
    mib_max: int = setting("WANDA_EXPORT_MIB_MAX", 8, "Largest file of an export, in MiB.", ge=1, le=100)
    privacy_mib_max: int = setting(
        "WANDA_PRIVACY_MIB_MAX", 100, "Largest part of /privacy export, in MiB.", ge=1, le=500
    )
