"""Who is told how a job stands, and once: a row stored with the fact, and what becomes of it.

A notice is a short reply to the job's card, or a direct message, that pings one member or one role. Its row is stored
in the transaction that stores the fact, so that a crash forgets none; the row counts a try before it begins, so that
after a crash the next one looks for what the last one may have posted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from bot.jobs.model import Job, Part
from bot.jobs.preferences import Pings, preferences_of
from bot.jobs.rows import readable_job
from bot.requester import Requester
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Lock, Many, One, Row, Transaction

Where: TypeAlias = Literal["channel", "direct"]
NoticeKind: TypeAlias = Literal[
    "approval",  # it waits for somebody with the approvers' role
    "ready",  # the video is posted
    "failed",  # there is no video
    "declined",  # an approver said no
    "unapproved",  # nobody answered in time
    "film_ready",  # the joined film is posted
    "film_paused",  # a shot was not made, and its member decides how the film goes on
]
FilmNotice: TypeAlias = Literal["film_ready", "film_paused"]
_STORED_AS: Mapping[FilmNotice, NoticeKind] = {"film_ready": "ready", "film_paused": "failed"}
_STATE_TOLD: Mapping[NoticeKind, str] = {"ready": "done", "failed": "paused"}  # of a film, by what is stored
COUNTED_S = 3600.0
_NOTE = """
INSERT INTO notices (job_id, kind, guild_id, member_id, at, is_announced, due_at) VALUES ($1, $2, $3, $4, $5, $6, $5)
ON CONFLICT DO NOTHING"""
_DUE = """
SELECT job_id, kind, guild_id, member_id, at, is_announced FROM notices WHERE due_at <= $1 AND {mine}
ORDER BY due_at LIMIT $2"""
_LOCK = """
UPDATE notices SET tries = tries + 1 WHERE job_id = $1 AND kind = $2 AND due_at IS NOT NULL RETURNING tries"""
_OF_SET = """
SELECT COALESCE(SUM(CASE WHEN told = 0 THEN 1 ELSE 0 END), 0) AS open,
COALESCE(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0) AS done FROM jobs WHERE set_id = $1"""
_PINGED = """
SELECT COUNT(*) AS in_server, COALESCE(SUM(CASE WHEN member_id = $2 THEN 1 ELSE 0 END), 0) AS of_member FROM notices
WHERE guild_id = $1 AND at > $3 AND pinged = 1 AND (CASE WHEN kind = 'approval' THEN 1 ELSE 0 END) = $4"""
_RULES = "SELECT name, value FROM rules WHERE guild_id = $1 AND subject = 'server' AND name IN ('pings', 'approval')"
_PUT_OFF = "UPDATE notices SET due_at = $3 WHERE job_id = $1 AND kind = $2"
_END = "UPDATE notices SET due_at = NULL, pinged = $3 WHERE job_id = $1 AND kind = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell about one job since `at` (Unix seconds); `is_announced` says that a new message told it."""

    job_id: str
    kind: NoticeKind
    guild_id: int
    member_id: int
    at: float
    is_announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmNews:
    """What is told of a film; it stands on the card of this job of it. `is_announced` is as for a `Notice`."""

    kind: FilmNotice
    job_id: str
    is_announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBounds:
    """What keeps notices from becoming a flood, and from being tried for ever.

    A job that ends within `quick_s` seconds of its order is not told. In any hour a member is told at most
    `of_member_hourly_max` times, and the approvers `approvals_hourly_max` times, of one member's videos
    `approvals_of_member_hourly_max` times; what is above that is dropped. A notice is over after `tries_max` tries and
    after `life_s` seconds; the first wait is `wait_s`, and each further one is twice as long.
    """

    quick_s: float
    of_member_hourly_max: int
    approvals_hourly_max: int
    approvals_of_member_hourly_max: int
    tries_max: int
    life_s: float
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What decides where a notice goes, as it stands now.

    `wish` is the member's, else the server's; `role_id` are the approvers. `in_server` and `of_member` are how many
    notices of this kind pinged somebody within the last hour.
    """

    wish: Pings
    role_id: int | None
    in_server: int
    of_member: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notice to post about this job; `role_id` is whom it pings instead of the job's member.

    `is_repeat` says that an earlier try was begun and may have posted it. `others` are members who chipped in, and whom
    the same message pings.
    """

    notice: Notice
    job: Job
    where: Where
    role_id: int | None = None
    is_repeat: bool = False
    others: tuple[int, ...] = ()


def notice_kind(before: Job, after: Job) -> NoticeKind | None:
    """Return what somebody is to be told of this change; None where nobody is, or where a direct message told it."""
    if after.asked and not before.asked:
        return "approval"
    was_told = before.told and before.state == after.state
    if not after.told or was_told or after.mailed is not None:
        return None
    if after.part is not None and after.state != "cancelled":
        return None  # what becomes of the film is told instead, see `note_film`
    match after.state:
        case "done":
            return "ready"
        case "failed" | "uncertain":
            return "failed"
        case "cancelled":
            return _not_begun(after)
        case _:
            return None


def end_kind(job: Job) -> NoticeKind | None:
    """Return what its member is to be told of an ended job once its card shows the end."""
    return notice_kind(replace(job, told=False), replace(job, told=True))


def _not_begun(job: Job) -> NoticeKind | None:
    """Return the notice of a cancelled job; of what they cancelled themself, its member needs none."""
    match None if job.failure is None else job.failure.kind:
        case "declined":
            return "declined"
        case "unapproved":
            return "unapproved"
        case "unasked":
            return "failed"
        case _:
            return None


def is_announced(before: Job, after: Job) -> bool:
    """Return whether this change was told by a new message, which pings by itself, and not by an edit of the card."""
    return after.told and before.address.message_id != after.address.message_id


def where_to(notice: Notice, facts: NoticeFacts, bounds: NoticeBounds, *, ordered_at: float) -> Where | None:
    """Return where the notice is posted; None if nobody is to be pinged."""
    if notice.kind == "approval":
        too_often = (
            facts.in_server >= bounds.approvals_hourly_max or facts.of_member >= bounds.approvals_of_member_hourly_max
        )
        return None if facts.role_id is None or too_often else "channel"
    is_quick = notice.at - ordered_at < bounds.quick_s
    if facts.wish == "never" or is_quick or facts.of_member >= bounds.of_member_hourly_max:
        return None
    return facts.wish


def note(before: Job, after: Job, *, at: float) -> Transaction[bool]:
    """Keep what is to be told of this change; returns whether there is something. Repeating it changes nothing."""
    kind = notice_kind(before, after)
    if kind is not None and after.variation is not None:
        kind = yield from _kind_of_set(after, kind)
    if kind is None:
        return False
    whose = (after.guild_id, after.member_id)
    yield One(_NOTE, (after.set_id, kind, *whose, at, int(is_announced(before, after))))
    return True


def note_film(news: FilmNews, requester: Requester, *, at: float) -> Transaction[None]:
    """Keep what is to be told of a film. Repeating it changes nothing.

    It is stored as the job's own "ready" or "failed", which a shot never has: `note` tells of films only.
    """
    whose = (requester.guild_id, requester.member_id)
    yield One(_NOTE, (news.job_id, _STORED_AS[news.kind], *whose, at, int(news.is_announced)))


def _kind_of_set(job: Job, kind: NoticeKind) -> Transaction[NoticeKind | None]:
    """Return what is told of a set of videos by this change of one of them: once, when the last of them has ended."""
    if kind == "approval":
        return kind
    # Whoever comes last sees the others' ends: on PostgreSQL two of them would each miss the other's.
    yield Lock("SELECT id FROM jobs WHERE id = $1 FOR UPDATE", (job.set_id,))
    counted = yield One(_OF_SET, (job.set_id,))
    if counted["open"]:
        return None
    return "ready" if counted["done"] else kind


def due_notices(at: float, shards: Shards = EVERY_SHARD, *, limit: int) -> Transaction[tuple[Notice, ...]]:
    """Return notices that are to be posted by this time, the longest due first."""
    rows: list[Row] = yield Many(_DUE.format(mine=shards.where()), (at, limit))
    return tuple(
        Notice(
            job_id=row["job_id"],
            kind=row["kind"],
            guild_id=row["guild_id"],
            member_id=row["member_id"],
            at=row["at"],
            is_announced=bool(row["is_announced"]),
        )
        for row in rows
    )


def begin(notice: Notice, bounds: NoticeBounds, *, now: float) -> Transaction[Told | None]:
    """Note that a try begins, and return what to post; None if the notice is over.

    The next try is due if this one does not end: the process died, or Discord did not take it.
    """
    row = yield One(_LOCK, (notice.job_id, notice.kind))
    if row is None:
        return None
    tries: int = row["tries"]
    stored = yield One("SELECT body FROM jobs WHERE id = $1", (notice.job_id,))
    job = None if stored is None else readable_job(stored)
    if job is not None and job.part is not None:
        job = yield from _on_card_of_film(notice, job, job.part)
    if job is None or tries > bounds.tries_max or now >= notice.at + bounds.life_s or _is_past(notice, job):
        yield from end(notice, pinged=False)
        return None
    facts = yield from _facts(notice, now=now)
    where = where_to(notice, facts, bounds, ordered_at=job.created_at)
    if where is None or (where == "channel" and notice.is_announced):
        yield from end(notice, pinged=where is not None)
        return None
    yield One(_PUT_OFF, (notice.job_id, notice.kind, now + bounds.wait_s * 2 ** (tries - 1)))
    role_id = facts.role_id if notice.kind == "approval" else None
    others = () if role_id is not None or where == "direct" else (yield from _others(job))
    return Told(notice=notice, job=job, where=where, role_id=role_id, is_repeat=tries > 1, others=others)


def _others(job: Job) -> Transaction[tuple[int, ...]]:
    """Return who chipped in for the job and wants to be pinged in channels."""
    ids = dict.fromkeys(one.member_id for one in job.shares if one.member_id not in {0, job.member_id})
    found: list[int] = []
    for member_id in ids:
        own = yield from preferences_of(job.guild_id, member_id)
        if own.pings in {"channel", None}:
            found.append(member_id)
    return tuple(found)


def _is_past(notice: Notice, job: Job) -> bool:
    """Return whether somebody has decided meanwhile, so that the approvers are not needed any more."""
    return notice.kind == "approval" and job.state != "waiting"


def _on_card_of_film(notice: Notice, job: Job, part: Part) -> Transaction[Job | None]:
    """Return the job where its film's message is; None if that says something else than the notice meanwhile.

    What is told of the job itself, as that it waits for approval, stands on the job's own message.
    """
    if notice.kind not in _STATE_TOLD:
        return job
    row = yield One("SELECT state, message_id FROM films WHERE id = $1", (part.film_id,))
    if row is None or row["state"] not in {None, _STATE_TOLD[notice.kind]}:
        return None
    return replace(job, address=replace(job.address, message_id=row["message_id"]))


def end(notice: Notice, *, pinged: bool) -> Transaction[None]:
    """Note that the notice is over: posted, or not to be posted."""
    yield One(_END, (notice.job_id, notice.kind, int(pinged)))


def pings_in_channel(job: Job, kind: NoticeKind, bounds: NoticeBounds, *, now: float) -> Transaction[bool]:
    """Return whether a new message that tells this about the job pings its member, in place of a notice."""
    notice = Notice(job_id=job.id, kind=kind, guild_id=job.guild_id, member_id=job.member_id, at=now)
    facts = yield from _facts(notice, now=now)
    return where_to(notice, facts, bounds, ordered_at=job.created_at) == "channel"


def pings_in(guild_id: int) -> Transaction[Pings]:
    """Return how members of this server are told of their videos who chose nothing themselves."""
    return (yield from _rules(guild_id)).get("pings", "channel")


def forget_old(*, now: float) -> Transaction[None]:
    """Delete notices that are over and count towards no bound any more."""
    yield One("DELETE FROM notices WHERE due_at IS NULL AND at < $1", (now - COUNTED_S,))


def forget_notices_of(member_id: int) -> Transaction[None]:
    """Delete the notices about the member's jobs."""
    yield One("DELETE FROM notices WHERE member_id = $1", (member_id,))


def forget_notices_in(guild_id: int) -> Transaction[None]:
    """Delete the notices about a server's jobs."""
    yield One("DELETE FROM notices WHERE guild_id = $1", (guild_id,))


def _facts(notice: Notice, *, now: float) -> Transaction[NoticeFacts]:
    rules = yield from _rules(notice.guild_id)
    own = yield from preferences_of(notice.guild_id, notice.member_id)
    counted = (notice.guild_id, notice.member_id, now - COUNTED_S, int(notice.kind == "approval"))
    pinged = yield One(_PINGED, counted)
    return NoticeFacts(
        wish=own.pings or rules.get("pings", "channel"),
        role_id=rules.get("approval", {}).get("role_id"),
        in_server=pinged["in_server"],
        of_member=pinged["of_member"],
    )


def _rules(guild_id: int) -> Transaction[dict[str, Any]]:
    rows: list[Row] = yield Many(_RULES, (guild_id,))
    return {row["name"]: json.loads(row["value"]) for row in rows}
