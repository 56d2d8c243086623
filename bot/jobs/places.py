"""How many unfinished jobs all servers, one server, and one member in a server may have.

A job that waits for approval may wait for weeks. So it counts among the waiting jobs of its member and its server, and
not among the running ones, whose bound all servers share; there it is counted when it is approved. A server's jobs are
counted in the database, under the lock of that server alone. All servers' together are bounded because of what they
take of this process, so the runner counts those that it drives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from bot.errors import Busy
from bot.jobs.model import VARIATIONS_MAX, Input, Job
from bot.storage.transaction import One, Row, Transaction, together
from bot.units import counted, megabytes

_OTHER = f"id NOT IN ({', '.join(f'${number}' for number in range(1, VARIATIONS_MAX + 1))})"
_OTHERS = f"told = 0 AND {_OTHER}"
_GUILD, _MEMBER = f"${VARIATIONS_MAX + 1}", f"${VARIATIONS_MAX + 2}"
_IN_SERVER = f"""
SELECT COUNT(*) AS in_server, COALESCE(SUM(CASE WHEN member_id = {_MEMBER} THEN 1 ELSE 0 END), 0) AS of_member,
CAST(COALESCE(SUM(input_bytes), 0) AS BIGINT) AS bytes_in_server,
CAST(COALESCE(SUM(CASE WHEN member_id = {_MEMBER} THEN input_bytes ELSE 0 END), 0) AS BIGINT) AS bytes_of_member
FROM jobs WHERE guild_id = {_GUILD} AND {_OTHERS} AND state """  # noqa: S608 - a constant of this module
# The files of orders that several members pay for wait with those of jobs that wait for approval.
_CHIP_INS = f"""
SELECT CAST(COALESCE(SUM(input_bytes), 0) AS BIGINT) AS bytes_in_server,
CAST(COALESCE(SUM(CASE WHEN member_id = {_MEMBER} THEN input_bytes ELSE 0 END), 0) AS BIGINT) AS bytes_of_member
FROM chip_ins WHERE guild_id = {_GUILD} AND {_OTHER}"""  # noqa: S608 - likewise

_OF_DRAFTS = """
SELECT CAST(COALESCE(SUM(input_bytes), 0) AS BIGINT) AS bytes_in_server,
CAST(COALESCE(SUM(CASE WHEN member_id = $2 THEN input_bytes ELSE 0 END), 0) AS BIGINT) AS bytes_of_member
FROM film_drafts WHERE guild_id = $1 AND id <> $3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBounds:
    """How many bytes may wait on disk for an answer: files of one member in a server, and of one server."""

    of_member_bytes: int
    in_server_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How many jobs may run, and how many may wait for approval with files of how many bytes."""

    running_max: int
    running_in_server_max: int
    running_of_member_max: int
    waiting_in_server_max: int
    waiting_of_member_max: int
    files: FileBounds


class WaitingFiles(NamedTuple):
    """The bytes of files that wait on disk, of a member and of their server."""

    of_member_bytes: int
    in_server_bytes: int


class TakenPlaces(NamedTuple):
    """How many other jobs of a server and a member run, and wait for approval, and how many bytes wait with those."""

    running: Row
    waiting: Row
    files: WaitingFiles


Whose: TypeAlias = Literal["member", "server", "all"]


class _Full(NamedTuple):
    """Whose places are taken, by how many jobs, of how many."""

    whose: Whose
    jobs: int
    most: int


def taken_places(jobs: Sequence[Job]) -> Transaction[TakenPlaces]:
    """Count, under the server's lock, the other unfinished jobs of these jobs' server and member."""
    running, waiting, chip_ins = yield from together(
        _others(jobs, "<> 'waiting'"), _others(jobs, "= 'waiting'"), _in_chip_ins(jobs)
    )
    return TakenPlaces(running, waiting, _files(waiting, chip_ins))


def check_place(
    jobs: Sequence[Job], places: Places, taken: TakenPlaces, *, running: int, for_approver: bool = False
) -> None:
    """Check that there is a place for each of these jobs of one order in their state.

    `running` is how many other jobs this process makes.

    Raises:
        Busy: there is none. The sentence is for the job's member, or for whoever approved it.
    """
    if jobs[0].state == "waiting":
        _check_waiting(jobs, places, taken)
        return
    full = _full(jobs, places, taken.running, running)
    if full is not None:
        raise Busy(_approver_reads(full, jobs[0].member_id) if for_approver else _member_reads(full, len(jobs)))


def waiting_files(guild_id: int, member_id: int, *, but: str = "") -> Transaction[WaitingFiles]:
    """Return the bytes of the files that wait on disk, of member and server.

    They are those of jobs that wait for approval, of orders that several members pay for, and of drafts of films; `but`
    is a draft that does not count.
    """
    values = (*_ids(()), guild_id, member_id)
    rows: tuple[Row, ...] = yield from together(
        One(f"{_IN_SERVER}= 'waiting'", values), One(_CHIP_INS, values), One(_OF_DRAFTS, (guild_id, member_id, but))
    )
    return _files(*rows)


def check_files(size_bytes: int, others: WaitingFiles, bounds: FileBounds) -> None:
    """Check that files of this size can wait on disk beside `others`.

    Raises:
        Busy: they cannot; the sentence is for their member.
    """
    mine, most = megabytes(size_bytes), megabytes(bounds.of_member_bytes)
    if size_bytes > bounds.of_member_bytes:
        raise Busy(
            f"These files are {mine} together, and the limit is {most}. Make them smaller, or attach fewer, and "
            "try again."
        )
    if others.of_member_bytes + size_bytes > bounds.of_member_bytes:
        raise Busy(
            f"These files are {mine}, and {megabytes(others.of_member_bytes)} of the {most} you can have waiting "
            "are taken. "
            "Answer what Wanda asked you, or `/jobs cancel` what waits for approval, and try again."
        )
    if others.in_server_bytes + size_bytes > bounds.in_server_bytes:
        raise Busy(
            f"These files are {mine}, and {megabytes(others.in_server_bytes)} of the "
            f"{megabytes(bounds.in_server_bytes)} that "
            "this server can have waiting are taken. You weren't charged; try again in a few minutes."
        )


def _ids(jobs: Sequence[Job]) -> tuple[str, ...]:
    """Return the arguments of `_OTHERS`."""
    return (*(job.id for job in jobs), *[""] * (VARIATIONS_MAX - len(jobs)))


def _others(jobs: Sequence[Job], state: str) -> Transaction[Row]:
    return (yield One(f"{_IN_SERVER}{state}", (*_ids(jobs), jobs[0].guild_id, jobs[0].member_id)))


def _in_chip_ins(jobs: Sequence[Job]) -> Transaction[Row]:
    return (yield One(_CHIP_INS, (*_ids(jobs), jobs[0].guild_id, jobs[0].member_id)))


def _full(jobs: Sequence[Job], places: Places, others: Row, running: int) -> _Full | None:
    videos = len(jobs)
    if others["of_member"] + videos > places.running_of_member_max:
        return _Full("member", others["of_member"], places.running_of_member_max)
    if others["in_server"] + videos > places.running_in_server_max:
        return _Full("server", others["in_server"], places.running_in_server_max)
    return _Full("all", running, places.running_max) if running + videos > places.running_max else None


def _member_reads(full: _Full, wanted: int) -> str:
    videos = counted(full.jobs, "video")
    if wanted > 1:
        who = {"member": "You have", "server": "This server has", "all": "Wanda has"}[full.whose]
        return (
            f"{who} {videos} in the making, and only {full.most:,} fit at once, so there is no room for {wanted} more. "
            "You weren't charged; try fewer, or try again in a few minutes."
        )
    match full.whose:
        case "member":
            return (
                f"You have {videos} going, and {full.most:,} at once is the most. "
                "Wait until one is done, or cancel one with `/jobs cancel`."
            )
        case "server":
            return (
                f"This server has {videos} going, and {full.most:,} at once is the most. "
                "You weren't charged; try again in a few minutes."
            )
        case "all":
            return f"Wanda is working on {videos}, the most at once. You weren't charged; try again in a few minutes."


def _approver_reads(full: _Full, member_id: int) -> str:
    who = {"member": f"<@{member_id}> has", "server": "This server has", "all": "Wanda has"}[full.whose]
    return (
        f"{who} {counted(full.jobs, 'video')} going, and {full.most:,} at once is the most. "
        "This video keeps waiting; approve it again when one of them is done."
    )


def _check_waiting(jobs: Sequence[Job], places: Places, taken: TakenPlaces) -> None:
    videos, others = len(jobs), taken.waiting
    if others["of_member"] + videos > places.waiting_of_member_max:
        raise Busy(
            f"You have {counted(others['of_member'], 'video')} waiting for approval, and "
            f"{places.waiting_of_member_max:,} is "
            "the most. Wait for an answer, or cancel one with `/jobs cancel`."
        )
    if others["in_server"] + videos > places.waiting_in_server_max:
        raise Busy(
            f"This server has {counted(others['in_server'], 'video')} waiting for approval, and "
            f"{places.waiting_in_server_max:,} is the most. Ask an approver to go through them, then try again."
        )
    check_files(sum(bytes_of(job.inputs) for job in jobs), taken.files, places.files)


def bytes_of(inputs: Iterable[Input]) -> int:
    """Return the bytes of these files together."""
    return sum(item.size_bytes for item in inputs)


def _files(*rows: Row) -> WaitingFiles:
    return WaitingFiles(
        of_member_bytes=sum(row["bytes_of_member"] for row in rows),
        in_server_bytes=sum(row["bytes_in_server"] for row in rows),
    )
