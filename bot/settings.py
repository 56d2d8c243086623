"""Every setting, in groups of frozen fields; each component takes the group that it needs.

`bot.configuration` reads them once, at the start. The README's table and docs/settings.md are generated from here.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from bot.card_style import CardStyle
from bot.money import MICROUSD_PER_USD
from bot.sharding import COUNT_MAX, ShardPlan, shard_plan

SQLITE_SCHEME = "sqlite:///"
POSTGRES_SCHEMES = ("postgresql://", "postgres://")
OPERATORS: JsonDict = {"operator": True}  # marks the settings that the README shows


def setting(name: str, default: Any, description: str, *, operator: bool = False, **bounds: Any) -> Any:
    """A field for the environment variable `name`; `operator` puts it into the README as well."""
    extra = OPERATORS if operator else None
    return Field(default=default, validation_alias=name, description=description, json_schema_extra=extra, **bounds)


def _address(schemes: Iterable[str]) -> AfterValidator:
    """Refuse anything but `scheme://host…`; the sentence does not repeat the value, which may hold a password."""
    written = " or ".join(f"{scheme}://" for scheme in schemes)

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            example = f"{next(iter(schemes))}://wanda.example.com"
            raise ValueError(f"write it with its scheme and host, beginning with {written}, for example {example}")
        return value

    return AfterValidator(check)


def _one_word(value: SecretStr) -> SecretStr:
    """Refuse what is no token: one in quotes, with a line break, or pasted together with something else."""
    word = value.get_secret_value()
    if not word.isascii() or not word.isprintable() or any(character in word for character in " \"'"):
        raise ValueError(
            "it has a space, a quote, a line break or a letter that no key has; copy it again, alone, on one line"
        )
    return value


def _reachable_by_others(value: str) -> str:
    """Refuse an address without TLS, unless it is this machine's, and what cannot be the beginning of others."""
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(
            "write only its host and, if need be, a path, for example https://wanda.example.com: no user, no ? and no #"
        )
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("write it as https://wanda.example.com, because what is sent there is not for others")
    return value


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


WebAddress: TypeAlias = Annotated[str, _address(("https", "http"))]
PublicAddress: TypeAlias = Annotated[WebAddress, AfterValidator(_reachable_by_others)]
SocketAddress: TypeAlias = Annotated[str, _address(("wss", "ws"))]
Key: TypeAlias = Annotated[SecretStr, AfterValidator(_one_word)]


class SettingsGroup(BaseModel):
    """The base of every group; `title` is its heading in docs/settings.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    title: ClassVar[str]


class DiscordSettings(SettingsGroup):
    """The bot's login and Discord's addresses."""

    title: ClassVar[str] = "Discord"

    token: Key | None = setting("DISCORD_TOKEN", None, "The bot's token from the developer portal.", operator=True)
    api_url: WebAddress = setting("DISCORD_API_URL", "https://discord.com/api/v10", "Discord's REST API.")
    gateway_url: SocketAddress = setting("DISCORD_GATEWAY_URL", "wss://gateway.discord.gg/", "Discord's gateway.")
    cdn_url: WebAddress = setting(
        "DISCORD_CDN_URL", "https://cdn.discordapp.com", "Where attachments are downloaded from."
    )
    ready_timeout_s: float = setting(
        "WANDA_DISCORD_READY_TIMEOUT_S",
        2.0,
        "How long the start waits for the next server's data from the gateway, in seconds.",
        gt=0,
        le=60,
    )


class FalSettings(SettingsGroup):
    """fal's key and addresses, and the limits of requests to it."""

    title: ClassVar[str] = "fal.ai"

    key: Key | None = setting(
        "FAL_KEY", None, "fal.ai's API key; every video is charged to its account.", operator=True
    )
    admin_key: Key | None = setting(
        "FAL_ADMIN_KEY",
        None,
        "A key of the same account with fal's ADMIN scope: with it Wanda reads what fal billed, and the balance. It is "
        "used for nothing else.",
    )
    queue_url: WebAddress = setting(
        "FAL_QUEUE_URL", "https://queue.fal.run", "fal's queue, which takes and renders requests."
    )
    queue_backup_url: WebAddress = setting(
        "FAL_QUEUE_BACKUP_URL", "https://queue.falrun.com", "The other host that fal's queue may name in its replies."
    )
    rest_url: WebAddress = setting(
        "FAL_REST_URL", "https://rest.fal.ai", "fal's storage, where input files are uploaded."
    )
    api_url: WebAddress = setting(
        "FAL_API_URL", "https://api.fal.ai", "fal's platform API: price list, past requests, bills and balance."
    )
    web_url: WebAddress = setting("FAL_WEB_URL", "https://fal.ai", "fal's website, which shows each endpoint's schema.")
    openings_at_once: int = setting(
        "WANDA_FAL_OPENINGS_AT_ONCE",
        50,
        "How many status streams and polls may wait for fal's first answer at once.",
        ge=1,
        le=1000,
    )
    connections_max: int = setting(
        "WANDA_FAL_CONNECTIONS_MAX",
        128,
        "Pooled connections to fal; submits and status streams have connections of their own.",
        ge=1,
    )
    connect_timeout_s: float = setting(
        "WANDA_FAL_CONNECT_TIMEOUT_S",
        10.0,
        "Timeout for a connection to fal, and for the start of a status stream, in seconds.",
        gt=0,
    )
    reply_timeout_s: float = setting(
        "WANDA_FAL_REPLY_TIMEOUT_S", 60.0, "Timeout for fal's answer to one request, in seconds.", gt=0
    )
    silence_timeout_s: float = setting(
        "WANDA_FAL_SILENCE_TIMEOUT_S",
        60.0,
        "A status stream without even a ping for this many seconds is reopened.",
        gt=0,
    )
    stream_max_s: float = setting(
        "WANDA_FAL_STREAM_MAX_S", 900.0, "A status stream without a change for this many seconds is reopened.", gt=0
    )
    poll_min_s: float = setting(
        "WANDA_FAL_POLL_MIN_S", 2.0, "First interval between polls of a request's status, in seconds.", gt=0
    )
    poll_max_s: float = setting(
        "WANDA_FAL_POLL_MAX_S", 20.0, "Longest interval between polls of a request's status, in seconds.", gt=0
    )
    retries: int = setting(
        "WANDA_FAL_RETRIES", 5, "Retries of a request to fal that is safe to repeat; a submit never is.", ge=0, le=50
    )
    result_patience_s: float = setting(
        "WANDA_FAL_RESULT_PATIENCE_S",
        300.0,
        "How long a 500 or a 404 instead of a result, without fal's name for an error, is taken for a passing fault of "
        "fal's, in seconds; then it is believed.",
        ge=0,
    )
    streams_max: int = setting(
        "WANDA_FAL_STREAMS_MAX",
        200,
        "With WANDA_PUBLIC_URL: how many jobs are followed closely, to show their progress. Those beyond it wait for "
        "fal's webhook.",
        ge=0,
    )
    look_s: float = setting(
        "WANDA_FAL_LOOK_S",
        600.0,
        "With WANDA_PUBLIC_URL: how often fal is asked about a job that waits for its webhook, in seconds: none may "
        "come.",
        gt=0,
    )
    keys_life_s: float = setting(
        "WANDA_FAL_KEYS_LIFE_S",
        12 * 3600.0,
        "How long the keys with which fal signs webhooks are used before they are asked for again, in seconds; fal "
        "allows a day.",
        gt=0,
        le=86_400,
    )
    keys_pause_s: float = setting(
        "WANDA_FAL_KEYS_PAUSE_S",
        60.0,
        "Shortest time between two requests for fal's keys, also when a webhook is signed with an unknown one, in "
        "seconds.",
        ge=0,
    )
    reply_mib_max: int = setting("WANDA_FAL_REPLY_MIB_MAX", 4, "Largest reply read from fal, in MiB.", ge=1, le=64)
    upload_timeout_s: float = setting(
        "WANDA_UPLOAD_TIMEOUT_S", 300.0, "Timeout for one file uploaded to fal or to Discord, in seconds.", gt=0
    )

    @property
    def further_secrets(self) -> list[SecretStr]:
        """What no log may show, beside the key."""
        return [] if self.admin_key is None else [self.admin_key]


class StorageSettings(SettingsGroup):
    """The database and the data folder."""

    title: ClassVar[str] = "Storage"

    database_url: str = setting(
        "DATABASE_URL",
        "",
        "postgresql://… for PostgreSQL; empty for SQLite, wanda.db in the data folder.",
        operator=True,
    )
    data_dir: Path = setting(
        "WANDA_DATA_DIR", Path("data"), "Folder of the SQLite database, the inputs and the results.", operator=True
    )
    keep_days: int = setting(
        "WANDA_KEEP_DAYS",
        30,
        "Days until a video's inputs and result are removed from disk.",
        operator=True,
        ge=1,
        le=3650,
    )
    cleanup_interval_s: float = setting(
        "WANDA_KEEP_LOOK_S", 3600.0, "Interval between cleanups of expired files, in seconds.", gt=0
    )
    timeout_s: float = setting(
        "WANDA_STORAGE_TIMEOUT_S",
        5.0,
        "Timeout for a database connection, a lock, or an answer of the database, in seconds.",
        gt=0,
        le=60,
    )

    @field_validator("database_url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        """Refuse an address of another kind; the sentence does not repeat it, because it may hold a password."""
        is_file = value.startswith(SQLITE_SCHEME) and value != SQLITE_SCHEME
        if value and not is_file and not value.startswith(POSTGRES_SCHEMES):
            raise ValueError(
                "write postgresql://user@host/database or sqlite:///path/to/file, or leave it empty for SQLite in the "
                "data folder"
            )
        return value

    queue_max: int = setting(
        "WANDA_STORAGE_QUEUE_MAX", 4096, "How many transactions may wait for SQLite.", ge=1, le=1_000_000
    )
    batch_max: int = setting(
        "WANDA_STORAGE_BATCH_MAX", 256, "How many transactions SQLite commits together.", ge=1, le=10_000
    )
    postgres_pool_size: int = setting("WANDA_POSTGRES_POOL_SIZE", 8, "Connections to PostgreSQL.", ge=1, le=100)


class FilesSettings(SettingsGroup):
    """Where members' files are kept."""

    title: ClassVar[str] = "Files"

    url: str = setting(
        "WANDA_FILES_URL",
        "",
        "Where inputs and results are kept: s3://bucket/prefix, or file:///folder; empty for the data folder.",
        operator=True,
    )
    endpoint_url: WebAddress | None = setting(
        "AWS_ENDPOINT_URL", None, "Address of an S3-compatible store; empty for Amazon S3 in the region."
    )
    region: str = setting("AWS_REGION", "us-east-1", "Region of the bucket.")
    access_key_id: Key | None = setting(
        "AWS_ACCESS_KEY_ID", None, "Id of the bucket's key; empty for the machine's own role."
    )
    secret_access_key: Key | None = setting("AWS_SECRET_ACCESS_KEY", None, "Secret of the bucket's key.")
    session_token: Key | None = setting("AWS_SESSION_TOKEN", None, "Token of a temporary key.")
    timeout_s: float = setting(
        "WANDA_FILES_TIMEOUT_S",
        120.0,
        "Timeout for one file brought to the bucket or from it, with the wait for its turn, in seconds.",
        gt=0,
        le=3600,
    )
    look_timeout_s: float = setting(
        "WANDA_FILES_LOOK_TIMEOUT_S",
        2.0,
        "Timeout for asking the bucket whether a file is there, in seconds.",
        gt=0,
        le=60,
    )
    transfers_at_once: int = setting(
        "WANDA_FILES_TRANSFERS_AT_ONCE",
        8,
        "Files brought to the bucket or from it at once; each takes up to 16 MB of memory.",
        ge=1,
        le=256,
    )
    cache_mb_max: int = setting(
        "WANDA_FILES_CACHE_MB_MAX",
        2000,
        "Size of the local copies of files of a bucket, in MB; those used in the last hour may be more.",
        ge=0,
    )
    sweep_interval_s: float = setting(
        "WANDA_FILES_SWEEP_S",
        86400.0,
        "Interval between looks through a bucket or a shared folder for files that belong to no video, in seconds.",
        gt=0,
    )
    young_s: float = setting(
        "WANDA_FILES_YOUNG_S",
        86400.0,
        "A file that belongs to no video stays this long, because its order may be under way, in seconds.",
        ge=1800,
    )

    @field_validator("url")
    @classmethod
    def _known_place(cls, value: str) -> str:
        """Refuse what is neither a bucket nor an absolute folder."""
        parts = urlsplit(value)
        is_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
        is_bucket = parts.scheme == "s3" and parts.netloc == parts.hostname
        if value and ((not is_folder and not is_bucket) or parts.query or parts.fragment):
            raise ValueError(
                "write s3://bucket/prefix or file:///absolute/folder, or leave it empty for the data folder; keys go "
                "into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return value

    @property
    def is_bucket(self) -> bool:
        """Whether files are kept in a bucket."""
        return self.url.startswith("s3://")

    @property
    def secrets(self) -> list[SecretStr]:
        """What no log may show."""
        return [key for key in (self.secret_access_key, self.session_token) if key is not None]


class MoneySettings(SettingsGroup):
    """Default budgets, the operator's caps and stated prices. Dollars are exact decimals."""

    title: ClassVar[str] = "Money"

    member_daily_usd: Decimal = setting(
        "WANDA_MEMBER_DAILY_USD",
        Decimal(5),
        "What each member may spend in a day, until the server's administrators set an allowance.",
        operator=True,
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    server_monthly_usd: Decimal = setting(
        "WANDA_SERVER_MONTHLY_USD",
        Decimal(50),
        "What each server may spend in a month, until its administrators set a pool.",
        operator=True,
        ge=0,
        le=1_000_000,
        decimal_places=6,
    )
    server_cap_monthly_usd: Decimal | None = setting(
        "WANDA_SERVER_CAP_MONTHLY_USD",
        None,
        "The most any one server may spend in a month (UTC), whatever its administrators say; empty for no cap.",
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
        "the first uncertain one, until its administrators set another amount; the rest is charged to the member.",
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


class DownloadSettings(SettingsGroup):
    """Downloads of attachments from Discord and of results from fal."""

    title: ClassVar[str] = "Downloads"

    timeout_s: float = setting("WANDA_DOWNLOAD_TIMEOUT_S", 120.0, "Timeout for one downloaded file, in seconds.", gt=0)
    retries: int = setting("WANDA_DOWNLOAD_RETRIES", 3, "Retries of a download that was interrupted.", ge=0, le=20)
    wait_s: float = setting(
        "WANDA_DOWNLOAD_WAIT_S",
        0.5,
        "Wait before a download is retried, in seconds; it doubles each time.",
        gt=0,
        le=60,
    )
    result_mib_max: int = setting("WANDA_RESULT_MIB_MAX", 512, "Largest result that is downloaded, in MiB.", ge=1)


class MediaSettings(SettingsGroup):
    """Copying, reading and encoding files."""

    title: ClassVar[str] = "Media"

    intakes_at_once: int = setting(
        "WANDA_INTAKES_AT_ONCE", 8, "How many commands copy their attachments at once.", ge=1, le=256
    )
    waiting_member_max: int = setting(
        "WANDA_FILES_WAITING_MEMBER_MAX",
        8,
        "Commands of one member whose files wait to be copied, or to be made to fit; a further one is refused.",
        ge=1,
        le=10_000,
    )
    waiting_server_max: int = setting(
        "WANDA_FILES_WAITING_SERVER_MAX",
        200,
        "Commands of one server whose files wait to be copied, or to be made to fit; a further one is refused.",
        ge=1,
        le=100_000,
    )
    intake_mb_max: int = setting(
        "WANDA_INTAKE_MB_MAX",
        200,
        "Largest attachment that is copied to be made to fit, in MB.",
        ge=1,
        le=2000,
    )
    probes_at_once: int = setting("WANDA_PROBES_AT_ONCE", 2, "Worker processes that read attached files.", ge=1, le=64)
    probe_timeout_s: float = setting("WANDA_PROBE_TIMEOUT_S", 10.0, "Timeout for reading one file, in seconds.", gt=0)
    probe_memory_mib: int = setting(
        "WANDA_PROBE_MEMORY_MIB",
        1536,
        "Address space of a worker that reads files, in MiB; a WebP of 8,000 × 8,000 needs 1,200.",
        ge=256,
    )
    probe_idle_s: float = setting(
        "WANDA_PROBE_IDLE_S",
        300.0,
        "A worker that reads files and has had none for so many seconds is ended, which frees 35 MB; the next file "
        "starts one within half a second.",
        gt=0,
    )
    probe_pixels_max: int = setting(
        "WANDA_PROBE_PIXELS_MAX",
        64_000_000,
        "A picture with more pixels is measured but not decoded.",
        ge=1,
        le=268_435_456,
    )
    encodes_at_once: int = setting(
        "WANDA_ENCODES_AT_ONCE",
        1,
        "Clips, sounds and results encoded at once; 0 turns encoding off.",
        ge=0,
        le=16,
    )
    encode_threads: int = setting("WANDA_ENCODE_THREADS", 2, "Threads of one encode.", ge=1, le=64)
    encode_memory_mib: int = setting(
        "WANDA_ENCODE_MEMORY_MIB",
        2048,
        "Address space of an encoder, in MiB; 4K with two threads needs 1,300.",
        ge=512,
    )
    fit_timeout_s: float = setting(
        "WANDA_FIT_TIMEOUT_S",
        150.0,
        "Timeout for making one attached file fit, in seconds; a clip that would take longer is refused before.",
        gt=0,
        le=600,
    )
    fit_wait_s: float = setting(
        "WANDA_FIT_WAIT_S",
        300.0,
        "How long an attached file waits for its turn to be made to fit, in seconds.",
        gt=0,
        le=600,
    )
    encode_mpixels_per_s: float = setting(
        "WANDA_ENCODE_MPIXELS_PER_S",
        100.0,
        "Millions of pixels that this machine encodes in a second at least; a clip's time is estimated by it.",
        gt=0,
        le=100_000,
    )
    shrink_timeout_s: float = setting(
        "WANDA_SHRINK_TIMEOUT_S",
        240.0,
        "Timeout for encoding one result to fit, in seconds, all passes together.",
        gt=0,
        le=3600,
    )
    join_timeout_s: float = setting(
        "WANDA_JOIN_TIMEOUT_S",
        600.0,
        "Timeout for joining the shots of one film, in seconds, all passes together.",
        gt=0,
        le=3600,
    )
    join_memory_mib: int = setting(
        "WANDA_JOIN_MEMORY_MIB",
        3072,
        "Address space for joining a film, in MiB; eight 1080p shots with cross-fades need 2,000, and 700 of memory.",
        ge=512,
    )
    join_seconds_max: float = setting(
        "WANDA_JOIN_SECONDS_MAX", 180.0, "Longest film that is joined, in seconds.", gt=0, le=3600
    )
    join_side_max: int = setting(
        "WANDA_JOIN_SIDE_MAX",
        1920,
        "Longer side of a joined film, in pixels; larger shots are scaled down.",
        ge=240,
        le=4096,
    )
    join_mib_max: int = setting(
        "WANDA_JOIN_MIB_MAX",
        200,
        "Largest file that a film is joined to, in MiB, also where the server takes more.",
        ge=1,
        le=2000,
    )


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


class PresetSettings(SettingsGroup):
    """Bounds on presets."""

    title: ClassVar[str] = "Presets"

    of_member_max: int = setting(
        "WANDA_MEMBER_PRESETS_MAX", 25, "Presets that one member may have in a server (/preset).", ge=1, le=1000
    )
    of_server_max: int = setting(
        "WANDA_SERVER_PRESETS_MAX",
        25,
        "Presets that a server's administrators may keep for all its members.",
        ge=1,
        le=1000,
    )
    in_server_max: int = setting(
        "WANDA_PRESETS_IN_SERVER_MAX", 2000, "Presets of a server and all its members together.", ge=1, le=100_000
    )


class ContentSettings(SettingsGroup):
    """The size of servers' lists of refused words."""

    title: ClassVar[str] = "Content rules"

    words_max: int = setting(
        "WANDA_REFUSED_WORDS_MAX", 300, "Refused words of one server, with those of its roles.", ge=1, le=2000
    )
    word_chars_max: int = setting(
        "WANDA_REFUSED_WORD_CHARS_MAX", 40, "Longest refused word or phrase, in characters.", ge=1, le=100
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


class ChartSettings(SettingsGroup):
    """The worker processes that draw charts."""

    title: ClassVar[str] = "Charts"

    at_once: int = setting("WANDA_CHARTS_AT_ONCE", 1, "Worker processes that draw charts.", ge=1, le=8)
    timeout_s: float = setting(
        "WANDA_CHART_TIMEOUT_S",
        10.0,
        "Timeout for drawing one chart, in seconds; after it the answer is text alone.",
        gt=0,
        le=60,
    )
    memory_mib: int = setting(
        "WANDA_CHART_MEMORY_MIB",
        512,
        "Address space of a worker that draws charts, in MiB; it needs about 300.",
        ge=384,
        le=16384,
    )


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


class Settings(BaseModel):
    """All groups. Built by hand, every setting that is not given has its shipped value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    discord: DiscordSettings = DiscordSettings()
    fal: FalSettings = FalSettings()
    storage: StorageSettings = StorageSettings()
    files: FilesSettings = FilesSettings()
    money: MoneySettings = MoneySettings()
    defaults: DefaultSettings = DefaultSettings()
    jobs: JobSettings = JobSettings()
    downloads: DownloadSettings = DownloadSettings()
    media: MediaSettings = MediaSettings()
    cards: CardSettings = CardSettings()
    pings: PingSettings = PingSettings()
    picks: PickSettings = PickSettings()
    presets: PresetSettings = PresetSettings()
    chip_ins: ChipInSettings = ChipInSettings()
    content: ContentSettings = ContentSettings()
    exports: ExportSettings = ExportSettings()
    films: FilmSettings = FilmSettings()
    charts: ChartSettings = ChartSettings()
    web: WebSettings = WebSettings()
    running: RunningSettings = RunningSettings()
    shards: ShardSettings = ShardSettings()
    bills: BillSettings = BillSettings()
    watch: WatchSettings = WatchSettings()
    log: LogSettings = LogSettings()


GROUPS: Mapping[str, type[SettingsGroup]] = {
    name: type(group) for name, group in Settings() if isinstance(group, SettingsGroup)
}


def fields_of(group: type[SettingsGroup]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the environment variable and the field of each setting in the group."""
    for field in group.model_fields.values():
        yield str(field.validation_alias), field
