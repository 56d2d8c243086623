"""Every setting, in one frozen object that is built once and passed down.

The README's settings table is generated from the fields here, and a test holds it to them.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.money import MICROUSD_PER_USD


def setting(name: str, default: Any, description: str, **bounds: Any) -> Any:
    """A field read from the environment variable `name` (or `.env`), described for the README's table."""
    return Field(default=default, validation_alias=name, description=description, **bounds)


class Settings(BaseSettings):
    """The operator's choices. Amounts in dollars are exact decimals; the properties give integer micro-dollars."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    # The two services.
    discord_token: SecretStr | None = setting("DISCORD_TOKEN", None, "The bot's token from the developer portal.")
    discord_api_url: str = setting("DISCORD_API_URL", "https://discord.com/api/v10", "Discord's REST API.")
    discord_gateway_url: str = setting("DISCORD_GATEWAY_URL", "wss://gateway.discord.gg/", "Discord's gateway.")
    discord_cdn_url: str = setting("DISCORD_CDN_URL", "https://cdn.discordapp.com", "Where attachments come from.")
    discord_ready_timeout_s: float = setting(
        "WANDA_DISCORD_READY_TIMEOUT_S", 2.0, "How long to wait for the last server at start.", gt=0, le=60
    )
    fal_key: SecretStr | None = setting("FAL_KEY", None, "fal.ai's API key; every video is charged to it.")
    fal_queue_url: str = setting("FAL_QUEUE_URL", "https://queue.fal.run", "fal's queue.")
    fal_queue_backup_url: str = setting(
        "FAL_QUEUE_BACKUP_URL", "https://queue.falrun.com", "The other host that fal's queue may name in its replies."
    )
    fal_rest_url: str = setting("FAL_REST_URL", "https://rest.fal.ai", "fal's storage.")
    fal_api_url: str = setting("FAL_API_URL", "https://api.fal.ai", "fal's price list, for `python -m bot check`.")

    # Data.
    database_url: str = setting(
        "DATABASE_URL", "", "postgresql://… for PostgreSQL; empty for SQLite, wanda.db in the data folder."
    )
    data_dir: Path = setting("WANDA_DATA_DIR", Path("data"), "Database, inputs and results.")
    keep_days: int = setting(
        "WANDA_KEEP_DAYS", 30, "Days until a video's inputs and result are removed from disk.", ge=1, le=3650
    )
    keep_look_s: float = setting("WANDA_KEEP_LOOK_S", 3600.0, "Between two looks for such files.", gt=0)
    storage_timeout_s: float = setting(
        "WANDA_STORAGE_TIMEOUT_S", 5.0, "The wait for a connection, a lock or an answer of the database.", gt=0, le=60
    )
    storage_queue_max: int = setting(
        "WANDA_STORAGE_QUEUE_MAX", 4096, "Transactions that wait for SQLite.", ge=1, le=1_000_000
    )
    storage_batch_max: int = setting(
        "WANDA_STORAGE_BATCH_MAX", 256, "Transactions that SQLite commits together.", ge=1, le=10_000
    )
    postgres_pool_size: int = setting("WANDA_POSTGRES_POOL_SIZE", 8, "Connections to PostgreSQL.", ge=1, le=100)

    # Money.
    member_daily_usd: Decimal = setting(
        "WANDA_MEMBER_DAILY_USD",
        Decimal(5),
        "What each member may spend in a day, until the server's administrators set an allowance.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    server_monthly_usd: Decimal = setting(
        "WANDA_SERVER_MONTHLY_USD",
        Decimal(50),
        "What each server may spend in a month, until its administrators set a pool.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    server_cap_monthly_usd: Decimal | None = setting(
        "WANDA_SERVER_CAP_MONTHLY_USD",
        None,
        "The most any one server may spend in a month (UTC), whatever its administrators say; empty for no cap.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    total_cap_monthly_usd: Decimal | None = setting(
        "WANDA_TOTAL_CAP_MONTHLY_USD",
        None,
        "The most all servers together may spend in a month (UTC); empty for no cap.",
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    allowed_servers: str = setting(
        "WANDA_ALLOWED_SERVERS", "", "Ids of the servers that may make videos, with commas between; empty for all."
    )
    # Wan 2.5's page states no price; these are fal's public ones, read from fal.ai's model page on 2026-11-20.
    wan25_480p_usd: Decimal = setting(
        "WANDA_WAN25_480P_USD",
        Decimal("0.05"),
        "Wan 2.5 at 480p, per second; 0 turns it off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )
    wan25_720p_usd: Decimal = setting(
        "WANDA_WAN25_720P_USD",
        Decimal("0.10"),
        "Wan 2.5 at 720p, per second; 0 turns it off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )
    wan25_1080p_usd: Decimal = setting(
        "WANDA_WAN25_1080P_USD",
        Decimal("0.15"),
        "Wan 2.5 at 1080p, per second; 0 turns it off.",
        ge=0,
        le=1000,
        decimal_places=6,
    )

    # How much at once.
    jobs_in_flight_max: int = setting("WANDA_JOBS_IN_FLIGHT_MAX", 1000, "Unfinished jobs; more are refused.", ge=1)
    submits_at_once: int = setting("WANDA_SUBMITS_AT_ONCE", 4, "Uploads and submits to fal at once.", ge=1, le=256)
    fal_openings_at_once: int = setting(
        "WANDA_FAL_OPENINGS_AT_ONCE",
        50,
        "Status streams and polls that wait for fal's first answer at once.",
        ge=1,
        le=1000,
    )
    take_up_at_once: int = setting(
        "WANDA_TAKE_UP_AT_ONCE", 8, "Jobs whose work begins at once, or goes on after a restart.", ge=1, le=1000
    )
    deliveries_at_once: int = setting("WANDA_DELIVERIES_AT_ONCE", 4, "Videos posted at once.", ge=1, le=64)
    intakes_at_once: int = setting("WANDA_INTAKES_AT_ONCE", 8, "Commands whose files are copied at once.", ge=1, le=256)
    probes_at_once: int = setting("WANDA_PROBES_AT_ONCE", 2, "Worker processes that read files.", ge=1, le=64)

    drafts_max: int = setting("WANDA_DRAFTS_MAX", 500, "Questions before costly videos, kept at once.", ge=1)
    drafts_each_max: int = setting("WANDA_DRAFTS_EACH_MAX", 3, "Such questions of one member.", ge=1)

    # How long.
    draft_life_s: float = setting("WANDA_DRAFT_LIFE_S", 840.0, "How long such a question waits.", gt=0, le=890)
    watch_s: float = setting("WANDA_WATCH_S", 300.0, "Between two looks for warnings not yet posted.", gt=0)
    shutdown_timeout_s: float = setting("WANDA_SHUTDOWN_TIMEOUT_S", 8.0, "From SIGTERM to the end.", gt=0, le=9)
    download_timeout_s: float = setting("WANDA_DOWNLOAD_TIMEOUT_S", 120.0, "One file, from start to end.", gt=0)
    download_retries: int = setting("WANDA_DOWNLOAD_RETRIES", 3, "Repeats of a download that broke.", ge=0, le=20)
    download_wait_s: float = setting(
        "WANDA_DOWNLOAD_WAIT_S", 0.5, "Before the first repeat; it doubles with each.", gt=0, le=60
    )
    upload_timeout_s: float = setting("WANDA_UPLOAD_TIMEOUT_S", 300.0, "One file to fal, from start to end.", gt=0)
    probe_timeout_s: float = setting("WANDA_PROBE_TIMEOUT_S", 10.0, "Reading what one file is.", gt=0)
    probe_memory_mib: int = setting(
        "WANDA_PROBE_MEMORY_MIB", 1536, "A worker's address space; a WebP of 8,000 × 8,000 needs 1,200.", ge=256
    )
    probe_pixels_max: int = setting(
        "WANDA_PROBE_PIXELS_MAX", 64_000_000, "A larger picture is measured but not decoded.", ge=1, le=268_435_456
    )
    intake_mb_max: int = setting(
        "WANDA_INTAKE_MB_MAX", 200, "The largest attached file that is copied, to be made to fit.", ge=1, le=2000
    )
    encodes_at_once: int = setting(
        "WANDA_ENCODES_AT_ONCE", 1, "Clips, sounds and results encoded at once; 0 turns encoding off.", ge=0, le=16
    )
    encode_threads: int = setting("WANDA_ENCODE_THREADS", 2, "Cores that one encode may keep busy.", ge=1, le=64)
    encode_memory_mib: int = setting(
        "WANDA_ENCODE_MEMORY_MIB", 2048, "An encoder's address space; 4K with two threads needs 1,300.", ge=512
    )
    fit_timeout_s: float = setting(
        "WANDA_FIT_TIMEOUT_S", 150.0, "Making one attached file fit, waiting included.", gt=0, le=600
    )
    shrink_timeout_s: float = setting("WANDA_SHRINK_TIMEOUT_S", 600.0, "Encoding one result to fit.", gt=0, le=3600)
    fal_connect_timeout_s: float = setting(
        "WANDA_FAL_CONNECT_TIMEOUT_S", 10.0, "A connection to fal, or the beginning of a status stream.", gt=0
    )
    fal_reply_timeout_s: float = setting("WANDA_FAL_REPLY_TIMEOUT_S", 60.0, "fal's answer to one request.", gt=0)
    fal_silence_timeout_s: float = setting(
        "WANDA_FAL_SILENCE_TIMEOUT_S", 60.0, "A status stream without even a ping is reopened after this.", gt=0
    )
    fal_poll_min_s: float = setting("WANDA_FAL_POLL_MIN_S", 2.0, "The first wait between polls.", gt=0)
    fal_poll_max_s: float = setting("WANDA_FAL_POLL_MAX_S", 20.0, "The longest wait between polls.", gt=0)
    fal_retries: int = setting("WANDA_FAL_RETRIES", 5, "Safe repeats of one request to fal.", ge=0, le=50)
    fal_stream_max_s: float = setting(
        "WANDA_FAL_STREAM_MAX_S", 900.0, "A status stream on which nothing changes is reopened after this.", gt=0
    )
    fal_result_patience_s: float = setting(
        "WANDA_FAL_RESULT_PATIENCE_S", 900.0, "How long a finished result is asked for while fal is down.", gt=0
    )
    fal_reply_mib_max: int = setting("WANDA_FAL_REPLY_MIB_MAX", 4, "The largest reply read from fal.", ge=1, le=64)
    fal_connections_max: int = setting(
        "WANDA_FAL_CONNECTIONS_MAX", 128, "Pooled connections to fal; submits and streams have their own.", ge=1
    )
    job_deadline_s: float = setting(
        "WANDA_JOB_DEADLINE_S", 6 * 3600.0, "A job that fal has not finished by then is given up as uncertain.", gt=0
    )

    account_pause_s: float = setting(
        "WANDA_ACCOUNT_PAUSE_S", 15.0, "Between two tries while fal says the account is locked.", gt=0
    )
    account_patience_s: float = setting(
        "WANDA_ACCOUNT_PATIENCE_S", 180.0, "How long a job waits for a locked fal account before it fails.", ge=0
    )
    storage_patience_s: float = setting(
        "WANDA_STORAGE_PATIENCE_S",
        600.0,
        "A running job waits this long for the database, then for the next start.",
        gt=0,
    )
    recheck_s: float = setting(
        "WANDA_RECHECK_S", 60.0, "Between two looks for unfinished jobs that nobody works on.", gt=0
    )

    # Delivery.
    delivery_tries: int = setting(
        "WANDA_DELIVERY_TRIES", 12, "Tries to post one video, with growing waits.", ge=1, le=50
    )
    delivery_wait_s: float = setting("WANDA_DELIVERY_WAIT_S", 5.0, "The first wait between two of them; doubles.", gt=0)
    attach_patience_s: float = setting(
        "WANDA_ATTACH_PATIENCE_S", 900.0, "How long a busy Discord is waited for before a link will do.", ge=0
    )
    edit_interval_s: float = setting("WANDA_EDIT_INTERVAL_S", 4.0, "Between two edits of one card.", gt=0)
    edits_per_s_max: float = setting(
        "WANDA_EDITS_PER_S_MAX", 30.0, "All cards' progress edits together; more cards are edited less often.", gt=0
    )
    channel_edit_interval_s: float = setting(
        "WANDA_CHANNEL_EDIT_INTERVAL_S", 1.5, "Between two progress edits in one channel with the bot's token.", ge=0
    )
    reaction_interval_s: float = setting(
        "WANDA_REACTION_INTERVAL_S", 0.3, "Between two reactions that Wanda adds herself.", ge=0.25
    )
    rerun_patience_s: float = setting(
        "WANDA_RERUN_PATIENCE_S", 300.0, "How long a reaction's rerun may wait for its channel to take a card.", gt=0
    )
    discord_timeout_s: float = setting(
        "WANDA_DISCORD_TIMEOUT_S", 45.0, "One change of a card, discord.py's own repeats included.", gt=0
    )
    discord_tries: int = setting("WANDA_DISCORD_TRIES", 3, "Attempts at a card's last change.", ge=1, le=10)
    discord_wait_s: float = setting("WANDA_DISCORD_WAIT_S", 1.0, "The first wait between two of them; doubles.", gt=0)
    token_margin_s: float = setting("WANDA_TOKEN_MARGIN_S", 30.0, "Stop using a token this long before its end.", ge=0)
    edit_age_max_s: float = setting("WANDA_EDIT_AGE_MAX_S", 3600.0, "An older card is replied to, not edited.", gt=0)
    result_mib_max: int = setting("WANDA_RESULT_MIB_MAX", 512, "The largest result that is downloaded.", ge=1)

    # Export.
    export_rows_max: int = setting(
        "WANDA_EXPORT_ROWS_MAX", 100_000, "Rows in one file of an export.", ge=1, le=10_000_000
    )
    export_mib_max: int = setting("WANDA_EXPORT_MIB_MAX", 8, "The size of one file of an export.", ge=1, le=100)
    privacy_mib_max: int = setting(
        "WANDA_PRIVACY_MIB_MAX", 100, "The size of one part of /privacy export.", ge=1, le=500
    )

    # Pictures of money.
    charts_at_once: int = setting("WANDA_CHARTS_AT_ONCE", 1, "Worker processes that draw pictures.", ge=1, le=8)
    chart_timeout_s: float = setting(
        "WANDA_CHART_TIMEOUT_S", 10.0, "Drawing one picture; without it the answer is text alone.", gt=0, le=60
    )
    chart_memory_mib: int = setting(
        "WANDA_CHART_MEMORY_MIB", 512, "Such a worker's address space; it needs about 300.", ge=384, le=16384
    )

    # Running.
    web_host: str = setting("WANDA_WEB_HOST", "127.0.0.1", "Where /healthz listens.")
    web_port: int = setting("WANDA_WEB_PORT", 8422, "Port of /healthz; 0 turns it off.", ge=0, le=65535)
    log_level: str = setting("WANDA_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        """Keep to the standard names, so that a typo is an error and not silence."""
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("the log level is DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("allowed_servers")
    @classmethod
    def _server_ids(cls, value: str) -> str:
        """Refuse what is no list of ids, so that a typo does not lock every server out, or let one in."""
        if not all(part.strip().isdecimal() for part in value.split(",") if part.strip()):
            raise ValueError("the allowed servers are ids, whole numbers with commas between, for example 123,456")
        return value

    @property
    def prices_usd(self) -> Mapping[str, Mapping[str, Decimal]]:
        """The prices that the operator states, in dollars, by family of modes and resolution."""
        return {"wan25": {"480p": self.wan25_480p_usd, "720p": self.wan25_720p_usd, "1080p": self.wan25_1080p_usd}}

    @property
    def member_daily_microusd(self) -> int:
        """What a member may spend in a day, in micro-dollars."""
        return int(self.member_daily_usd * MICROUSD_PER_USD)

    @property
    def server_monthly_microusd(self) -> int:
        """What a server may spend in a month, in micro-dollars."""
        return int(self.server_monthly_usd * MICROUSD_PER_USD)

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


def settings_table_markdown() -> str:
    """Return the README's table, a row for each setting: name, shipped value, what it does; ends with a newline."""
    rows = [
        f"| `{field.validation_alias}` | {_shipped(field.default)} | {field.description} |"
        for field in Settings.model_fields.values()
    ]
    return "\n".join(["| Setting | Shipped value | What it does |", "|---|---|---|", *rows]) + "\n"


def _shipped(default: Any) -> str:
    return "" if default is None or default == "" else f"`{default}`"
