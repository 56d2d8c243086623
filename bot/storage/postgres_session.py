"""What all sessions with a PostgreSQL server share: their errors in words, and how a dead one is noticed."""

import asyncpg

from bot.errors import SettingsRefused, StorageError, StorageUnreachable

# Errors of the server (including deadlocks), of asyncpg and of the network; TimeoutError is an OSError.
DATABASE_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

# The server is not there, or not yet ready; a later try may work.
_UNREACHABLE: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
)

# The server detects a dead client machine within 30 s and releases its locks.
KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4"}


def in_words(error: BaseException) -> str:
    """Return what the server, or the driver, says of its error."""
    return str(error) or ("it did not answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def connection_trouble(error: Exception) -> StorageError | SettingsRefused:
    """Return the error for a connection that was not made."""
    # A certificate that is refused is both. asyncpg's sentence about the URL may repeat a piece of the password.
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return SettingsRefused(
            "The setting DATABASE_URL is not usable: it cannot be taken apart. Write special characters of the "
            "password as %40 (@), %23 (#), %2F (/) or %3A (:)."
        )
    kind = StorageUnreachable if isinstance(error, _UNREACHABLE) else StorageError
    todo = " Start it, or correct DATABASE_URL." if isinstance(error, ConnectionRefusedError) else ""
    return kind(f"PostgreSQL cannot be used: {in_words(error)}.{todo}")
