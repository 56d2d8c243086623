"""The database, and where files are kept."""

from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from bot.settings.group import SettingsGroup, setting
from bot.settings.values import Key, WebAddress

SQLITE_SCHEME = "sqlite:///"
POSTGRES_SCHEMES = ("postgresql://", "postgres://")


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
