"""What /metrics tells of jobs and money, read from the database for the shards that a process holds."""

from dataclasses import dataclass

from bot.sharding import Shards
from bot.storage.transaction import Many, One, Row, Transaction


@dataclass(frozen=True, slots=True)
class Figures:
    """Unfinished jobs by state and mode, unfinished films by state, and amounts in micro-dollars."""

    jobs: dict[tuple[str, str], int]
    films: dict[str, int]
    held_microusd: int
    exposed_microusd: int
    exposures: int


def figures(shards: Shards) -> Transaction[Figures]:
    """Return the figures of these shards' servers; reads a row for each unfinished or uncertain job and film.

    Position 0 is the server's pool, from which every job draws its whole price. Exposures are found by their entries,
    which have an index, and stay there when a member's jobs are deleted.
    """
    counts: list[Row] = yield Many(
        f"SELECT state, mode, COUNT(*) AS n FROM jobs WHERE told = 0 AND {shards.where()} GROUP BY state, mode"  # noqa: S608 - numbers
    )
    films: list[Row] = yield Many(
        f"SELECT state, COUNT(*) AS n FROM films WHERE is_open = 1 AND {shards.where()} GROUP BY state"  # noqa: S608 - numbers
    )
    held = yield One(
        "SELECT CAST(COALESCE(SUM(d.amount_microusd), 0) AS BIGINT) AS total FROM jobs j "  # noqa: S608 - numbers
        "LEFT JOIN shares s ON s.job_id = j.id JOIN draws d ON d.job_id = COALESCE(s.id, j.id) AND d.position = 0 "
        f"WHERE j.told = 0 AND d.state = 'held' AND {shards.where('j.guild_id')}"
    )
    exposed = yield One(
        "SELECT COUNT(DISTINCT COALESCE(s.job_id, e.job_id)) AS n, "  # noqa: S608 - numbers
        "CAST(COALESCE(SUM(d.amount_microusd), 0) AS BIGINT) AS total FROM entries e "
        "JOIN draws d ON d.job_id = e.job_id AND d.scope = e.scope AND d.position = 0 "
        "LEFT JOIN shares s ON s.id = e.job_id "
        f"WHERE e.kind = 'expose' AND d.state = 'exposed' AND {shards.where('d.guild_id')}"
    )
    return Figures(
        jobs={(row["state"], row["mode"]): row["n"] for row in counts},
        films={row["state"]: row["n"] for row in films if row["state"] is not None},
        held_microusd=held["total"],
        exposed_microusd=exposed["total"],
        exposures=exposed["n"],
    )
