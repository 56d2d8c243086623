"""Drafts of films in the database: a few of each member, which go when nobody has touched them for some time."""

from dataclasses import dataclass, replace

from bot.errors import OptionRefused
from bot.films.model import Draft, draft_body, readable_draft
from bot.jobs.chip_in_rows import is_collecting, is_known
from bot.jobs.places import bytes_of
from bot.jobs.removals import note_removal
from bot.ledger import tables
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

GONE = "This film isn't there any more. Begin a new one with `/film`."
STALE = "You changed this film somewhere else meanwhile. Look at it again, then make your change."
COLLECTING = (
    "Others can chip in for this film now, so it stays as it is. To change it, press Cancel on its card in the "
    "channel; everybody gets their money back then."
)
FOUND_MAX = 100  # in one search; the next one goes on
_COUNT = """
SELECT COUNT(*) AS in_server, COALESCE(SUM(CASE WHEN member_id = $2 THEN 1 ELSE 0 END), 0) AS of_member
FROM film_drafts WHERE guild_id = $1 AND id <> $3"""
_INSERT = """
INSERT INTO film_drafts (id, guild_id, member_id, input_bytes, updated_at, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO NOTHING RETURNING id"""
_UPDATE = """
UPDATE film_drafts SET input_bytes = $3, updated_at = $4, body = $5 WHERE id = $1 AND updated_at = $2 RETURNING id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftBounds:
    """How many drafts one member may have in a server, and how many all members of a server together."""

    of_member_max: int
    in_server_max: int


def save_draft(draft: Draft, bounds: DraftBounds, *, at: float) -> Transaction[Draft]:
    """Keep a draft that is new, or changed since it was read; returns it as it is kept.

    Raises:
        OptionRefused: there are as many as there may be; or it is gone or was changed by somebody else meanwhile; or
            others chip in for it.
    """
    yield from tables.lock(draft.guild_id)
    yield from _check_free(draft.id)
    stored = yield One("SELECT updated_at FROM film_drafts WHERE id = $1", (draft.id,))
    # A time of its own for each state, whatever the clock says.
    kept = replace(draft, updated_at=at if stored is None else max(at, stored["updated_at"] + 1e-3))
    if stored is None:
        if draft.updated_at:
            raise OptionRefused(GONE)
        yield from _check_room(draft, bounds)
        values = (draft.id, draft.guild_id, draft.member_id, bytes_of(draft.files), kept.updated_at, draft_body(kept))
        row = yield One(_INSERT, values)
    else:
        row = yield One(_UPDATE, (draft.id, draft.updated_at, bytes_of(draft.files), kept.updated_at, draft_body(kept)))
    if row is None:
        raise OptionRefused(STALE)
    return kept


def _check_room(draft: Draft, bounds: DraftBounds) -> Transaction[None]:
    taken = yield One(_COUNT, (draft.guild_id, draft.member_id, draft.id))
    if taken["of_member"] >= bounds.of_member_max:
        raise OptionRefused(
            f"You have {taken['of_member']} films that aren't made yet, and {bounds.of_member_max} is the most. "
            "Finish or delete one of them with `/film`."
        )
    if taken["in_server"] >= bounds.in_server_max:
        raise OptionRefused(
            f"This server's members are writing {taken['in_server']:,} films, which is all there can be. "
            "Nothing was charged; try again later."
        )


def draft_named(draft_id: str) -> Transaction[Draft | None]:
    """Return the draft; None if there is none, or if this version cannot read it."""
    row = yield One("SELECT body FROM film_drafts WHERE id = $1", (draft_id,))
    return None if row is None else readable_draft(row)


def drafts_of(guild_id: int, member_id: int) -> Transaction[tuple[Draft, ...]]:
    """Return the member's drafts in a server, the latest first."""
    rows: list[Row] = yield Many(
        "SELECT body FROM film_drafts WHERE guild_id = $1 AND member_id = $2 ORDER BY updated_at DESC LIMIT $3",
        (guild_id, member_id, FOUND_MAX),
    )
    return tuple(draft for row in rows if (draft := readable_draft(row)) is not None)


def drafts_everywhere(member_id: int, *, limit: int) -> Transaction[tuple[Draft, ...]]:
    """Return the member's latest drafts in all servers, for their own export."""
    rows: list[Row] = yield Many(
        "SELECT body FROM film_drafts WHERE member_id = $1 ORDER BY updated_at DESC LIMIT $2", (member_id, limit)
    )
    return tuple(draft for row in rows if (draft := readable_draft(row)) is not None)


def delete_own_draft(draft: Draft) -> Transaction[bool]:
    """Delete the draft as `delete_draft`, unless others chip in for it.

    Raises:
        OptionRefused: they do.
    """
    yield from tables.lock(draft.guild_id)
    yield from _check_free(draft.id)
    return (yield from delete_draft(draft.id))


def _check_free(draft_id: str) -> Transaction[None]:
    if (yield from is_collecting(draft_id)):
        raise OptionRefused(COLLECTING)


def delete_draft(draft_id: str, *, before: float = float("inf")) -> Transaction[bool]:
    """Delete the draft and note that its files are to be removed; returns whether there was one.

    One that was changed at `before` (Unix seconds) or later stays.
    """
    row = yield One("DELETE FROM film_drafts WHERE id = $1 AND updated_at < $2 RETURNING id", (draft_id, before))
    if row is not None:
        yield from note_removal(draft_id)
    return row is not None


def check_kept(draft: Draft) -> Transaction[None]:
    """Check that the draft is kept as it was shown to its member; raises as `take_draft`."""
    yield from _check_free(draft.id)
    _check_same(draft, (yield One("SELECT updated_at FROM film_drafts WHERE id = $1", (draft.id,))))


def take_draft(draft: Draft) -> Transaction[None]:
    """Delete the draft that becomes a film, whose files are the film's then.

    Raises:
        OptionRefused: it is not there any more, or not as it was shown to its member, or others chip in for it.
    """
    yield from _check_free(draft.id)
    _check_same(draft, (yield One("DELETE FROM film_drafts WHERE id = $1 RETURNING updated_at", (draft.id,))))


def _check_same(draft: Draft, row: Row | None) -> None:
    if row is None:
        raise OptionRefused(GONE)
    if row["updated_at"] != draft.updated_at:
        raise OptionRefused(STALE)


def old_drafts(before: float, shards: Shards = EVERY_SHARD) -> Transaction[tuple[tuple[str, int], ...]]:
    """Return id and server of drafts that nobody has touched since a time (Unix seconds), `FOUND_MAX` at most.

    Those that others chip in for are not among them.
    """
    rows: list[Row] = yield Many(
        "SELECT id, guild_id FROM film_drafts WHERE updated_at < $1 AND id NOT IN (SELECT id FROM chip_ins) "  # noqa: S608 - numbers
        f"AND {shards.where()} ORDER BY updated_at LIMIT $2",
        (before, FOUND_MAX),
    )
    return tuple((row["id"], row["guild_id"]) for row in rows)


def delete_old_draft(draft_id: str, guild_id: int, *, before: float) -> Transaction[bool]:
    """Delete a draft as `delete_draft`, unless it was touched since, or others chip in for it by now."""
    yield from tables.lock(guild_id)
    if (yield from is_known(draft_id)):
        return False
    return (yield from delete_draft(draft_id, before=before))
