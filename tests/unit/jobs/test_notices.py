"""Who is told of a job, where, how often, and what a crash leaves of it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.jobs import events, notices
from bot.jobs.machine import step
from bot.jobs.model import Failure, Job, Spot, State, Variation
from bot.jobs.notices import Notice, NoticeBounds, NoticeFacts, NoticeKind, Where, where_to
from bot.jobs.preferences import PreferenceBounds, Preferences, set_preferences
from bot.jobs.rows import body_of
from bot.ledger.rules import set_rule
from bot.storage.transaction import One, Transaction
from tests.support.job_samples import JOB_ID, NOW, a_job
from tests.support.stores import MemoryStore

BOUNDS = NoticeBounds(
    quick_s=20,
    of_member_hourly_max=3,
    approvals_hourly_max=4,
    approvals_of_member_hourly_max=2,
    tries_max=3,
    life_s=600,
    wait_s=10,
)
LATER = NOW + 60
GUILD, MEMBER, ROLE = 1, 2, 77


def _ended(state: State, *, failure: str | None = None, **changes: Any) -> Job:
    ended = a_job(state=state, failure=None if failure is None else Failure(kind=failure), told=True, updated_at=LATER)
    return replace(ended, **changes)


@pytest.mark.parametrize(
    ("state", "failure", "kind"),
    [
        ("done", None, "ready"),
        ("failed", "content_policy_violation", "failed"),
        ("uncertain", "lost", "failed"),
        ("cancelled", "declined", "declined"),
        ("cancelled", "unapproved", "unapproved"),
        ("cancelled", "unasked", "failed"),
        ("cancelled", None, None),
        ("cancelled", "client_cancelled", None),
        ("cancelled", "removed", None),
    ],
)
def test_what_is_told(state: State, failure: str | None, kind: NoticeKind | None) -> None:
    """A member is told of every end but the one that they chose themself."""
    ended = _ended(state, failure=failure)
    assert notices.notice_kind(replace(ended, told=False), ended) == kind
    assert notices.notice_kind(ended, replace(ended, late_at=9.0)) is None


def test_a_direct_message_with_the_video_is_notice_enough() -> None:
    """Whoever got the video by direct message is not told a second time."""
    ended = _ended("done", mailed=Spot(0, 1, 2))
    assert notices.notice_kind(replace(ended, told=False), ended) is None


def test_a_late_video_is_told_after_its_failure() -> None:
    """A video that is posted after its job was said to have failed is told; one that replaces its link is not."""
    late = _ended("failed", failure="undeliverable", late_at=LATER)
    posted, _ = step(late, events.VideoPosted(late.address), now=LATER)
    assert notices.notice_kind(late, posted) == "ready"
    linked = _ended("done", late_at=LATER)
    replaced, _ = step(linked, events.VideoPosted(linked.address), now=LATER)
    assert notices.notice_kind(linked, replaced) is None


FACTS = NoticeFacts(wish="channel", role_id=ROLE, in_server=0, of_member=0)
NOTICE = Notice(job_id=JOB_ID, kind="ready", guild_id=GUILD, member_id=MEMBER, at=LATER)


@pytest.mark.parametrize(
    ("kind", "at", "facts", "where"),
    [
        ("ready", NOW + 20, {}, "channel"),
        ("ready", NOW + 19.9, {}, None),
        ("failed", LATER, {"wish": "direct"}, "direct"),
        ("ready", LATER, {"wish": "never"}, None),
        ("ready", LATER, {"of_member": 2, "in_server": 99}, "channel"),
        ("ready", LATER, {"of_member": 3}, None),
        ("approval", NOW, {"wish": "never"}, "channel"),
        ("approval", NOW, {"role_id": None}, None),
        ("approval", NOW, {"in_server": 4}, None),
        ("approval", NOW, {"of_member": 2}, None),
    ],
)
def test_where_it_goes(kind: NoticeKind, at: float, facts: dict[str, Any], where: Where | None) -> None:
    """The member's wish decides; quick ends and floods are left out; approvers are asked whatever the member wishes."""
    notice = replace(NOTICE, kind=kind, at=at)
    assert where_to(notice, replace(FACTS, **facts), BOUNDS, ordered_at=NOW) == where


@pytest.fixture
def db() -> MemoryStore:
    """A database with a done job whose end is to be told."""
    store = MemoryStore()
    _add(store, JOB_ID)
    return store


def _add(store: MemoryStore, job_id: str, **changes: Any) -> Notice:
    """Add a job that has just ended, and its notice."""
    ended = _ended("done", id=job_id, **changes)
    kept = (
        "INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at"
    )
    values = (job_id, GUILD, 20, 30, ended.member_id, ended.mode, ended.state, 1, "", NOW, 1, body_of(ended))

    def adding() -> Any:
        yield One(f"{kept}, version, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", values)
        return (yield from notices.note(replace(ended, told=False, address=a_job().address), ended, at=LATER))

    assert store.run(adding())
    (found,) = (one for one in store.run(notices.due_notices(LATER, limit=99)) if one.job_id == job_id)
    return found


def _insert(job: Job) -> Transaction[None]:
    """Store the job as it is now."""
    yield One("DELETE FROM jobs WHERE id = $1", (job.id,))
    kept = "id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version, body"
    where = (job.id, GUILD, 20, 30, job.member_id, job.mode, job.state, int(job.told), "", NOW, 1, body_of(job))
    set_id = None if job.variation is None else job.set_id
    numbers = ", ".join(f"${number}" for number in range(1, 14))
    yield One(f"INSERT INTO jobs ({kept}, set_id) VALUES ({numbers})", (*where, set_id))  # noqa: S608 - constants of this test


def test_a_crash_neither_repeats_nor_forgets_it(db: MemoryStore) -> None:
    """A try that did not end is due again after a wait, and knows of the earlier one; an ended one is not."""
    first = db.run(notices.begin(NOTICE, BOUNDS, now=LATER))
    assert first is not None
    assert not first.is_repeat
    assert db.run(notices.due_notices(LATER + 9, limit=9)) == ()
    assert db.run(notices.due_notices(LATER + 10, limit=9)) == (NOTICE,)
    second = db.run(notices.begin(NOTICE, BOUNDS, now=LATER + 10))
    assert second is not None
    assert second.is_repeat
    db.run(notices.end(NOTICE, pinged=True))
    assert db.run(notices.begin(NOTICE, BOUNDS, now=LATER + 99)) is None
    assert db.run(notices.due_notices(LATER + 9999, limit=9)) == ()


def test_it_is_not_tried_for_ever(db: MemoryStore) -> None:
    """After its last try, or its life, a notice is over."""
    for now in (LATER, LATER + 10, LATER + 30):
        assert db.run(notices.begin(NOTICE, BOUNDS, now=now)) is not None
    assert db.run(notices.begin(NOTICE, BOUNDS, now=LATER + 70)) is None
    old = _add(db, "b" * 32)
    assert db.run(notices.begin(old, BOUNDS, now=LATER + 600)) is None
    assert db.run(notices.due_notices(LATER + 9999, limit=9)) == ()


def test_a_flood_is_left_out(db: MemoryStore) -> None:
    """Of a member's many ends within an hour, only as many are told as the bound says; the others are over at once."""
    told = 0
    for number in range(9):
        notice = _add(db, f"{number:032x}")
        if db.run(notices.begin(notice, BOUNDS, now=LATER)) is not None:
            told += 1
            db.run(notices.end(notice, pinged=True))
    assert told == 3
    other = _add(db, "c" * 32, member_id=9)
    assert db.run(notices.begin(other, BOUNDS, now=LATER)) is not None


def test_what_was_told_by_a_new_message_is_not_told_again(db: MemoryStore) -> None:
    """Where the card had to be posted anew, that message pings, and the notice goes only to who wants direct ones."""
    moved = replace(a_job().address, message_id=31)
    announced = _add(db, "d" * 32, address=moved)
    assert announced.is_announced
    assert db.run(notices.pings_in_channel(a_job(), "ready", BOUNDS, now=LATER))
    assert db.run(notices.begin(announced, BOUNDS, now=LATER)) is None
    _prefer(db, Preferences(pings="direct"))
    assert not db.run(notices.pings_in_channel(a_job(), "ready", BOUNDS, now=LATER))
    told = db.run(notices.begin(_add(db, "e" * 32, address=moved), BOUNDS, now=LATER))
    assert told is not None
    assert told.where == "direct"


def test_the_members_wish_goes_before_the_servers(db: MemoryStore) -> None:
    """A server's default holds for members who chose nothing."""
    setting: dict[str, Any] = {"actor_id": 9, "reason": "", "at": NOW}
    db.run(set_rule(GUILD, "server", "pings", "never", **setting))
    assert db.run(notices.begin(NOTICE, BOUNDS, now=LATER)) is None
    _prefer(db, Preferences(pings="channel"))
    assert db.run(notices.begin(_add(db, "f" * 32), BOUNDS, now=LATER)) is not None


def _prefer(db: MemoryStore, chosen: Preferences) -> None:
    bounds = PreferenceBounds(kept_max=9, daily_max=9)
    db.run(set_preferences(GUILD, MEMBER, chosen, bounds=bounds, at=NOW))


def test_a_set_is_told_once(db: MemoryStore) -> None:
    """Of videos that were ordered at once, the last one's end tells of all of them: ready, if any of them is."""
    jobs = [_variation(number) for number in (1, 2, 3)]
    states: tuple[State, ...] = ("done", "failed", "failed")
    for job in jobs:
        db.run(_insert(job))
    noted: list[bool] = []
    for job, state in zip(jobs, states, strict=True):
        ended = replace(job, state=state, told=True, failure=Failure(kind="lost"))
        db.run(_insert(ended))
        noted.append(db.run(notices.note(job, ended, at=LATER)))
    assert noted == [False, False, True]
    (told,) = (one for one in db.run(notices.due_notices(LATER, limit=9)) if one.job_id == jobs[0].id)
    assert told.kind == "ready"


def _variation(number: int) -> Job:
    first = "a" * 31
    place = Variation(set_id=f"{first}1", number=number, of=3, message_id=30)
    return a_job(id=f"{first}{number}", state="delivering", variation=place)
