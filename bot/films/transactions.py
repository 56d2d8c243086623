"""A film's transactions: its row and the money that is reserved for it change together.

Whoever changes a film takes its server's lock first, as whoever changes money does: so none of its shots begins while
it is decided which are left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.errors import OptionRefused
from bot.films.acts import GONE, MOVED_ON, Change, Jobs
from bot.films.drafts import take_draft
from bot.films.model import Draft, Film, film_body, readable_film
from bot.jobs.notices import FilmNews, note_film
from bot.jobs.queries import jobs_by_id
from bot.ledger import reservations, tables
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Locked, Many, One, Row, Transaction

FOUND_MAX = 200  # in one search; the next one goes on
_INSERT = """
INSERT INTO films (id, guild_id, member_id, message_id, state, is_open, created_at, body)
VALUES ($1, $2, $3, $4, $5, 1, $6, $7)
ON CONFLICT (id) DO NOTHING RETURNING id"""
_UPDATE = """
UPDATE films SET message_id = $2, state = $3, is_open = $4, files_gone = $5, body = $6, version = version + 1
WHERE id = $1"""
_FIRST = (0.0, "")


def film_named(film_id: str) -> Transaction[Film | None]:
    """Return the film; None if there is none, or if this version cannot read it."""
    row = yield One("SELECT body FROM films WHERE id = $1", (film_id,))
    return None if row is None else readable_film(row)


def film_with_jobs(film_id: str) -> Transaction[tuple[Film, Jobs] | None]:
    """Return the film and those jobs of its takes that there are."""
    film = yield from film_named(film_id)
    return None if film is None else (film, (yield from jobs_of(film)))


def jobs_of(film: Film) -> Transaction[Jobs]:
    """Return the jobs of the film's takes that there are, by id; those of the takes before a redo too."""
    ids = [take.job_id for take in film.takes]
    ids += [take.former.job_id for take in film.takes if take.former is not None]
    return (yield from jobs_by_id(ids))


def open_films(
    shards: Shards = EVERY_SHARD, *, after: tuple[float, str] = _FIRST, limit: int = FOUND_MAX
) -> Transaction[tuple[tuple[float, str], ...]]:
    """Return when films that have not ended were ordered, and their ids, oldest first; those `after` this one."""
    rows: list[Row] = yield Many(
        "SELECT created_at, id FROM films WHERE is_open = 1 AND (created_at > $1 OR created_at = $1 AND id > $2) "  # noqa: S608 - numbers
        f"AND {shards.where()} ORDER BY created_at, id LIMIT $3",
        (*after, limit),
    )
    return tuple((row["created_at"], row["id"]) for row in rows)


def check_room(guild_id: int, member_id: int, *, of_member_max: int, but: str = "") -> Transaction[None]:
    """Check, under the server's lock, that the member may have one more film that is not done.

    Raises:
        OptionRefused: they have as many as they may.
    """
    row = yield One(
        "SELECT COUNT(*) AS n FROM films WHERE guild_id = $1 AND member_id = $2 AND is_open = 1 AND id <> $3",
        (guild_id, member_id, but),
    )
    if row["n"] >= of_member_max:
        raise OptionRefused(
            f"You have {row['n']} films going, and {of_member_max} at once is the most. "
            "Finish or stop one of them, and try again."
        )


def insert_film(film: Film, draft: Draft, *, of_member_max: int) -> Transaction[None]:
    """Store a film in place of its draft, in the transaction that accepts its first shot.

    Raises:
        OptionRefused: the draft is not there as it was shown, or the member has too many films going.
    """
    yield from take_draft(draft)
    yield from check_room(film.who.guild_id, film.who.member_id, of_member_max=of_member_max)
    who = film.who
    values = (
        film.id,
        who.guild_id,
        who.member_id,
        film.address.message_id,
        film.state,
        film.created_at,
        film_body(film),
    )
    if (yield One(_INSERT, values)) is None:
        raise OptionRefused(MOVED_ON)


def replace_film(before: Film, after: Film) -> Transaction[None]:
    """Store a film with new takes in place of the one that they were made from, in the transaction that accepts them.

    Raises:
        OptionRefused: it was changed meanwhile.
    """
    stored = yield from _locked(before.id)
    if stored is None:
        raise OptionRefused(GONE)
    if stored.takes != before.takes or stored.state != before.state:
        raise OptionRefused(MOVED_ON)
    yield from _store(replace(after, address=stored.address, shown_at=stored.shown_at))


def change_film(
    film_id: str,
    guild_id: int,
    act: Callable[[Film, Jobs], Change],
    *,
    now: float,
    news: FilmNews | None = None,
) -> Transaction[tuple[Film, Film]]:
    """Apply an act to the film and its jobs as they are now; returns the film before and after.

    `news` is what its member is told if it changed.

    Raises:
        OptionRefused: the film is gone, or the act refuses.
    """
    yield from tables.lock(guild_id)
    before = yield from _locked(film_id)
    if before is None:
        raise OptionRefused(GONE)
    change = act(before, (yield from jobs_of(before)))
    if change.film == before and not change.release:
        return before, before
    for job_id in change.release:
        yield from reservations.release(job_id, at=now, reason=change.reason)
    yield from _store(change.film)
    if news is not None:
        yield from note_film(news, change.film.requester, at=now)
    return before, change.film


def old_films(before: float, shards: Shards = EVERY_SHARD) -> Transaction[tuple[tuple[str, int], ...]]:
    """Return the ids and servers of ended films with files that were ordered before a time (Unix seconds)."""
    rows: list[Row] = yield Many(
        "SELECT id, guild_id FROM films WHERE is_open = 0 AND files_gone = 0 AND created_at < $1 "  # noqa: S608 - numbers
        f"AND {shards.where()} ORDER BY created_at LIMIT $2",
        (before, FOUND_MAX),
    )
    return tuple((row["id"], row["guild_id"]) for row in rows)


def note_files_gone(film_id: str, guild_id: int, *, at: float) -> Transaction[None]:
    """Note on an ended film that its files were removed; does nothing if it was deleted."""
    yield from tables.lock(guild_id)
    film = yield from _locked(film_id)
    if film is None:
        yield One("UPDATE films SET files_gone = 1 WHERE id = $1", (film_id,))
    else:
        yield from _store(replace(film, files_gone_at=at))


def films_everywhere(member_id: int, *, limit: int) -> Transaction[tuple[Film, ...]]:
    """Return the member's latest films in every server, for their own export."""
    rows: list[Row] = yield Many(
        "SELECT body FROM films WHERE member_id = $1 ORDER BY created_at DESC LIMIT $2", (member_id, limit)
    )
    return _readable(rows)


def _locked(film_id: str) -> Transaction[Film | None]:
    row = yield Locked("SELECT body FROM films WHERE id = $1", (film_id,))
    return None if row is None else readable_film(row)


def _store(film: Film) -> Transaction[None]:
    gone = int(film.files_gone_at is not None)
    yield One(_UPDATE, (film.id, film.address.message_id, film.state, int(film.is_open), gone, film_body(film)))


def _readable(rows: Sequence[Row]) -> tuple[Film, ...]:
    return tuple(film for row in rows if (film := readable_film(row)) is not None)
