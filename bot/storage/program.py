"""What all processes know of the program itself, by name, in the database: a table of a few rows."""

from bot.storage.transaction import One, Transaction

COMMANDS = "commands"  # the digest of the commands that were synced last
BEGUN = "begun"  # a bot has logged in with this database


def known(name: str) -> Transaction[str | None]:
    """Return what is known under this name, or None."""
    row = yield One("SELECT value FROM program WHERE name = $1", (name,))
    return None if row is None else row["value"]


def remember(name: str, value: str) -> Transaction[None]:
    """Keep this under the name, in place of what was known."""
    yield One(
        "INSERT INTO program (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def has_begun() -> Transaction[bool]:
    """Return whether a bot has logged in with this database, or made a video in it."""
    row = yield One(
        "SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM program WHERE name = $1) OR EXISTS (SELECT 1 FROM draws)",
        (BEGUN,),
    )
    return row is not None
