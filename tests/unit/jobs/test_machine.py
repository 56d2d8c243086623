from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fal.wire.types import FalStatus
from bot.jobs.effects import Effect, Expose, MoneyEffect, Release, Settle, ShowEnd
from bot.jobs.events import (
    Approved,
    Asked,
    Called,
    CancelAsked,
    Declined,
    EndShown,
    Event,
    GivenUp,
    GuildLeft,
    LateTried,
    LostSight,
    Made,
    NotAsked,
    NotMade,
    PutOff,
    Refused,
    ReplyLost,
    Resumed,
    StillRunning,
    Submitted,
    Unapproved,
    Undeliverable,
    Uploaded,
    VideoMailed,
    VideoPosted,
)
from bot.jobs.machine import step
from bot.jobs.model import FINISHED, Failure, Job, Spot
from tests.support.job_samples import ADDRESS, FAILURE, HANDLE, NOW, PICTURE, RESULT, a_job

BILLED = replace(FAILURE, billed="yes")
PERHAPS = replace(FAILURE, billed="perhaps")
CANCELLED = Failure(kind="client_cancelled", status=499)
SPOT = Spot(0, 30, 300)
OTHER = replace(HANDLE, request_id="r-2")
EVENTS: list[Event] = [
    Resumed(),
    Approved(9),
    Declined(9),
    Unapproved(),
    Asked(ADDRESS),
    NotAsked(),
    GuildLeft(),
    Uploaded((replace(PICTURE, url="https://v3.fal.media/files/in.png"),)),
    Submitted(HANDLE),
    Refused(FAILURE),
    PutOff(),
    ReplyLost(),
    FalStatus("running", fraction=0.5),
    FalStatus("queued", position=1),
    FalStatus("completed"),
    Called(HANDLE),
    Called(OTHER),
    StillRunning(),
    Made(RESULT),
    Made(RESULT, cost_microusd=700_000),
    NotMade(FAILURE),
    NotMade(BILLED, cost_microusd=300_000),
    NotMade(PERHAPS),
    NotMade(CANCELLED),
    LostSight(Failure(kind="gone")),
    GivenUp(Failure(kind="defect")),
    CancelAsked(),
    VideoPosted(ADDRESS),
    VideoPosted(ADDRESS, retry_at=NOW + 9),
    VideoMailed(SPOT),
    VideoMailed(SPOT, retry_at=NOW + 9),
    Undeliverable(Failure(kind="undeliverable")),
    Undeliverable(Failure(kind="undeliverable"), retry_at=NOW + 9),
    LateTried(NOW + 99),
    LateTried(None),
    EndShown(),
]


def play(events: list[Event], **changes: Any) -> tuple[Job, list[MoneyEffect | Effect]]:
    """Apply the events to an accepted job with these fields; return the job and all effects."""
    job, happened = a_job(**changes), list[MoneyEffect | Effect]()
    for event in events:
        job, effects = step(job, event, now=NOW + 1)
        happened += effects
    return job, happened


def kinds(effects: list[MoneyEffect | Effect]) -> list[str]:
    """Return the effects' names."""
    return [type(effect).__name__ for effect in effects]


MONEY = ("Settle", "Release", "Expose")


STARTS = st.sampled_from(["waiting", "accepted"])


@given(st.lists(st.sampled_from(EVENTS), max_size=40), STARTS, st.sampled_from(["charge", "absorb"]))
def test_money_ends_once(events: list[Event], start: str, policy: str) -> None:
    """For any sequence of events the hold ends at most once, and has ended when the job has.

    Only what an uncertain job left exposed ends later: when it is taken up again and its result says what it cost.
    """
    job, effects = play(events, state=start, policy=policy)
    moves = [kind for kind in kinds(effects) if kind in MONEY]
    ends = [kind for kind in moves if kind != "Expose"]
    assert len(ends) <= 1
    assert moves == ["Expose"] * (len(moves) - len(ends)) + ends
    if job.state in FINISHED or job.state == "delivering":
        assert moves
        assert (job.state == "uncertain") == (not ends)


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_one_post(events: list[Event]) -> None:
    """A second POST follows only a proven refusal, even if the job is resumed after every event."""
    after_crashes: list[Event] = [part for event in events for part in (event, Resumed())]
    for sequence in (events, after_crashes):
        _, effects = play(sequence)
        assert kinds(effects).count("Submit") <= 1 + sequence.count(PutOff())


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(NOW - 1e6, NOW + 1e6)), max_size=40))
def test_time_never_runs_backwards(events: list[tuple[Event, float]]) -> None:
    """A job's `updated_at` never decreases, even if the clock does, because its card ignores older states."""
    job = a_job()
    for event, now in events:
        after, _ = step(job, event, now=now)
        assert after.updated_at >= job.updated_at
        job = after


def test_a_put_off_job_waits_for_free() -> None:
    """After the locked account refuses a submit the job is `accepted` again, and a cancel is free."""
    put_off, effects = step(a_job(state="submitting"), PutOff(), now=NOW + 1)
    assert (put_off.state, put_off.put_off_at, kinds(list(effects))) == ("accepted", NOW + 1, ["Upload"])
    again, _ = step(replace(put_off, state="submitting"), PutOff(), now=NOW + 9)
    assert again.put_off_at == NOW + 1
    asked = a_job(state="submitting", cancel_requested=True)
    cancelled, effects = step(asked, PutOff(), now=NOW)
    assert (cancelled.state, kinds(list(effects))) == ("cancelled", ["Release", "ShowEnd"])


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_always_a_way_on(events: list[Event]) -> None:
    """A resumed job always has a next effect, until its end is shown."""
    job, _ = play(events)
    resumed, effects = step(job, Resumed(), now=NOW + 2)
    work = {"AwaitApproval", "Upload", "Submit", "Follow", "Fetch", "Deliver", "ShowEnd"}
    assert (kinds(list(effects))[-1] in work) if not resumed.told else not effects


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_the_end_is_the_end(events: list[Event]) -> None:
    """An ended job does not change any more, except that its end is marked as shown.

    Only an uncertain one may be taken up again: fal has its request after all.
    """
    job, _ = play(events)
    if job.state not in FINISHED:
        return
    for event in EVENTS:
        if job.state == "uncertain" and isinstance(event, Called | Submitted):
            continue
        after, _ = step(job, event, now=NOW + 3)
        assert replace(after, told=job.told, updated_at=job.updated_at) == job


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_charged_tells_the_truth(events: list[Event]) -> None:
    """The amount charged on the card is the amount settled."""
    job, effects = play(events)
    payments = [effect for effect in effects if isinstance(effect, Settle)]
    settled = sum(effect.amount_microusd for effect in payments if effect.payers == "everyone")
    if job.state in FINISHED:
        assert job.charged_microusd == settled


def test_the_straight_way() -> None:
    """A job without failures goes from accepted to done, with one submit and one settlement of its quote."""
    job, effects = play(
        [
            Resumed(),
            Uploaded(()),
            Submitted(HANDLE),
            FalStatus("running", fraction=0.5),
            FalStatus("completed"),
            Made(RESULT),
            VideoPosted(ADDRESS),
        ]
    )
    assert (job.state, job.told, job.charged_microusd) == ("done", True, 750_000)
    assert [kind for kind in kinds(effects) if kind != "Show"] == [
        "Upload",
        "Submit",
        "Follow",
        "Fetch",
        "Settle",
        "Deliver",
    ]


def test_a_crash_while_submitting_is_uncertain() -> None:
    """A job found `submitting` after a restart is never posted again, and the member pays nothing."""
    job, effects = step(a_job(state="submitting"), Resumed(), now=NOW)
    assert job.state == "uncertain"
    assert kinds(list(effects)) == ["Expose", "ShowEnd"]


def test_cancel_before_fal_is_free() -> None:
    """A job that was not submitted is cancelled at once, and nothing is charged."""
    job, effects = step(a_job(), CancelAsked(), now=NOW)
    assert (job.state, job.charged_microusd) == ("cancelled", 0)
    assert kinds(list(effects)) == ["Release", "ShowEnd"]


def test_cancel_during_the_post_is_passed_on() -> None:
    """A cancel during the POST is sent to fal as soon as the request has an id."""
    asked, effects = step(a_job(state="submitting"), CancelAsked(), now=NOW)
    assert kinds(list(effects)) == ["Show"]
    _, effects = step(asked, Submitted(HANDLE), now=NOW)
    assert kinds(list(effects)) == ["Show", "AskCancel", "Follow"]


def test_a_cancelled_video_that_was_made_is_delivered() -> None:
    """When fal finished before the cancel reached it, the video is settled and posted."""
    job, effects = play(
        [
            Uploaded(()),
            Submitted(HANDLE),
            CancelAsked(),
            FalStatus("completed"),
            Made(RESULT),
        ]
    )
    assert job.state == "delivering"
    assert "Settle" in kinds(effects)


@pytest.mark.parametrize(
    ("policy", "billed", "cost", "payers", "charged"),
    [
        ("charge", "yes", 300_000, "everyone", 300_000),
        ("charge", "perhaps", None, "everyone", 750_000),
        ("absorb", "yes", 300_000, "server", 0),
        ("absorb", "perhaps", None, "server", 0),
    ],
)
def test_a_billed_failure_follows_the_policy(
    policy: str, billed: Any, cost: int | None, payers: str, charged: int
) -> None:
    """The policy decides whether the member or the server pays for a failed attempt that fal may have billed."""
    job = a_job(state="fetching", handle=HANDLE, policy=policy)
    after, effects = step(job, NotMade(replace(FAILURE, billed=billed), cost_microusd=cost), now=NOW)
    settle, tell = effects
    assert isinstance(settle, Settle)
    assert isinstance(tell, ShowEnd)
    assert (settle.amount_microusd, settle.payers) == (cost or 750_000, payers)
    assert after.failure is not None
    assert (after.state, after.charged_microusd) == ("failed", charged)
    assert after.failure.charged == (policy == "charge")
    assert after.failure.absorbed_microusd == (None if policy == "charge" else cost or 750_000)


@pytest.mark.parametrize(
    ("state", "after", "money", "why"),
    [
        ("waiting", "cancelled", Release, "unapproved"),
        ("accepted", "failed", Release, "defect"),
        ("submitting", "uncertain", Expose, "lost"),
        ("queued", "uncertain", Expose, "defect"),
        ("running", "uncertain", Expose, "defect"),
        ("fetching", "uncertain", Expose, "defect"),
        ("delivering", "failed", ShowEnd, "undeliverable"),
    ],
)
def test_a_job_that_cannot_go_on_ends(state: Any, after: str, money: type[Any], why: str) -> None:
    """Given up, a job holds no member's money any more, whatever state it was in; an ended one counts as told."""
    given_up = GivenUp(Failure(kind="defect"))
    ended, effects = step(a_job(state=state, handle=HANDLE, result=RESULT), given_up, now=NOW)
    assert (ended.state, ended.failure and ended.failure.kind) == (after, why)
    assert [type(effect) for effect in effects] == [*([] if money is ShowEnd else [money]), ShowEnd]
    assert step(ended, given_up, now=NOW)[0].told


def test_settled_at_what_fal_billed() -> None:
    """A video is settled at what fal billed if that is known, else at the quote."""
    for cost, expected in ((700_000, 700_000), (None, 750_000)):
        job, effects = step(a_job(state="fetching", handle=HANDLE), Made(RESULT, cost), now=NOW)
        assert isinstance(effects[0], Settle)
        assert (effects[0].amount_microusd, job.charged_microusd) == (expected, expected)


@given(
    billed=st.integers(0, 2_000_000) | st.sampled_from([10**12, 10**18]),
    units=st.none() | st.sampled_from([0.0, 0.000001, 5.5, 999999.999999]),
    policy=st.sampled_from(["charge", "absorb"]),
    made=st.booleans(),
)
def test_the_quote_is_a_ceiling(billed: int, units: float | None, policy: str, *, made: bool) -> None:
    """Whatever fal bills, the job and its card say no more than the quote; the ledger hears the bill and the units."""
    job = a_job(state="fetching", handle=HANDLE, policy=policy)
    event: Event = NotMade(BILLED, billed, units)
    if made:
        event = Made(replace(RESULT, billed_units=units), billed)
    after, (settle, *_) = step(job, event, now=NOW)
    assert isinstance(settle, Settle)
    assert settle.amount_microusd == billed
    assert settle.units == {None: "", 0.0: "0", 0.000001: "0.000001", 5.5: "5.5"}.get(units, "999999.999999")
    absorbed = 0 if after.failure is None else after.failure.absorbed_microusd or 0
    assert (after.charged_microusd or 0) + absorbed == min(billed, job.quote_microusd)


def test_a_waiting_job_begins_when_it_is_approved() -> None:
    """A job that waits for approval keeps its hold and is submitted only after the approval."""
    waiting = a_job(state="waiting", approve_by=NOW + 60)
    same, effects = step(waiting, Resumed(), now=NOW)
    assert (same.state, kinds(list(effects))) == ("waiting", ["Ask"])
    waiting, effects = step(waiting, Asked(ADDRESS), now=NOW)
    assert (waiting.state, waiting.asked, kinds(list(effects))) == ("waiting", True, ["AwaitApproval"])
    same, effects = step(waiting, Resumed(), now=NOW)
    assert (same.state, kinds(list(effects))) == ("waiting", ["Show", "AwaitApproval"])
    begun, effects = step(waiting, Approved(9), now=NOW)
    assert (begun.state, begun.approved_by, kinds(list(effects))) == ("accepted", 9, ["Show", "Upload"])


@pytest.mark.parametrize("event", [Declined(9), Unapproved(), CancelAsked()])
def test_a_waiting_job_that_is_not_wanted_is_free(event: Event) -> None:
    """A waiting job that is declined, expires or is cancelled releases its whole hold."""
    job, effects = step(a_job(state="waiting", approve_by=NOW + 60), event, now=NOW)
    assert (job.state, job.charged_microusd, kinds(list(effects))) == ("cancelled", 0, ["Release", "ShowEnd"])


def test_put_back_into_the_queue() -> None:
    """fal may put a running request back into its queue; the job follows."""
    job, _ = play(
        [
            Uploaded(()),
            Submitted(HANDLE),
            FalStatus("running", fraction=0.5),
            FalStatus("queued", position=1),
        ]
    )
    assert (job.state, job.started_at) == ("queued", None)


DELIVERING = [Uploaded(()), Submitted(HANDLE), FalStatus("completed"), Made(RESULT)]
NOT_BROUGHT = Failure(kind="undeliverable")


def test_a_link_gives_way_to_the_video() -> None:
    """A job whose link is posted is done and paid; the video may replace the link later, which moves no money."""
    job, effects = play([*DELIVERING, VideoPosted(ADDRESS, retry_at=NOW + 9)])
    assert (job.state, job.told, job.late_at) == ("done", True, NOW + 9)
    assert kinds(effects).count("Settle") == 1
    job, effects = step(job, LateTried(NOW + 99), now=NOW + 9)
    assert (job.late_at, effects) == (NOW + 99, ())
    moved = replace(ADDRESS, message_id=77)
    job, effects = step(job, VideoPosted(moved), now=NOW + 99)
    assert (job.state, job.late_at, job.address.message_id, effects) == ("done", None, 77, ())


def test_a_video_that_reached_nobody_may_still_come() -> None:
    """A job whose video reached nobody is failed and charged, and done when it is posted or sent after all."""
    failed, _ = play([*DELIVERING, Undeliverable(NOT_BROUGHT, NOW + 9), EndShown()])
    assert (failed.state, failed.charged_microusd, failed.late_at, failed.told) == ("failed", 750_000, NOW + 9, True)
    for event in (VideoPosted(ADDRESS), VideoMailed(SPOT)):
        job, effects = step(failed, event, now=NOW + 9)
        assert (job.state, job.failure, job.late_at, job.told, effects) == ("done", None, None, True, ())
        assert job.charged_microusd == 750_000


def test_a_mailed_video_is_told_on_the_card() -> None:
    """A video that went to its member by direct message ends the job, and the card is made to say so."""
    job, effects = play([*DELIVERING, VideoMailed(SPOT)])
    assert (job.state, job.mailed, job.told) == ("done", SPOT, False)
    assert kinds(effects)[-1] == "ShowEnd"


@pytest.mark.parametrize("retry_at", [NOW + 99, None])
def test_a_video_that_reached_nobody_again(retry_at: float | None) -> None:
    """A late try that reaches nobody either is put off, or was the last; the job stays charged."""
    failed, _ = play([*DELIVERING, Undeliverable(NOT_BROUGHT, NOW + 9), EndShown()])
    job, effects = step(failed, Undeliverable(NOT_BROUGHT, retry_at), now=NOW + 9)
    assert (job.state, job.failure, job.late_at, effects) == ("failed", failed.failure, retry_at, ())


@pytest.mark.parametrize("event", [VideoPosted(ADDRESS), VideoMailed(SPOT), LateTried(NOW)])
def test_only_a_late_video_comes_later(event: Event) -> None:
    """An ended job without a late video stays as it is."""
    for ended in (a_job(state="done", told=True), a_job(state="failed", told=True)):
        assert step(ended, event, now=NOW) == (ended, ())


def test_a_delivery_that_was_given_up_is_tried_later() -> None:
    """If nothing carried a delivery on, the video is due at once as a late one."""
    job, _ = play([*DELIVERING, GivenUp(Failure(kind="defect"))])
    assert (job.state, job.late_at) == ("failed", job.updated_at)


CALLED = Called(HANDLE)
LOST: list[Event] = [Uploaded(()), ReplyLost(), EndShown()]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_webhook_ends_the_waiting_for_fal(state: Any) -> None:
    """When fal has called, the result is fetched, once."""
    job, effects = step(a_job(state=state, handle=HANDLE), CALLED, now=NOW + 9)
    assert (job.state, job.completed_at, kinds(list(effects))) == ("fetching", NOW + 9, ["Show", "Fetch"])
    assert step(job, CALLED, now=NOW + 10) == (job, ())


def test_a_webhook_can_overtake_the_reply_to_the_post() -> None:
    """A call during the POST brings the request's id; the reply that comes later changes nothing."""
    job, effects = step(a_job(state="submitting"), CALLED, now=NOW)
    assert (job.state, job.handle, job.submitted_at, kinds(list(effects))) == (
        "fetching",
        HANDLE,
        NOW,
        ["Show", "Fetch"],
    )
    assert step(job, Submitted(HANDLE), now=NOW + 1) == (job, ())


@pytest.mark.parametrize("state", ["waiting", "accepted", "fetching", "delivering", "done", "failed", "cancelled"])
def test_a_webhook_changes_nothing_else(state: Any) -> None:
    """Before the POST, while the result is fetched, and after the end a call changes nothing."""
    job = a_job(state=state, handle=None if state in {"waiting", "accepted"} else HANDLE, told=True)
    assert step(job, CALLED, now=NOW) == (job, ())


@pytest.mark.parametrize("state", ["queued", "running", "uncertain"])
def test_a_webhook_of_another_request_changes_nothing(state: Any) -> None:
    """A call names the job's own request, or it is not the job's."""
    job = a_job(state=state, handle=HANDLE)
    assert step(job, Called(OTHER), now=NOW) == (job, ())


def test_an_uncertain_job_is_taken_up_again() -> None:
    """A late webhook makes a normal job of one whose submit's reply was lost; its card shows the way and the video."""
    uncertain, _ = play(LOST, parent_id="p", trigger="react:🔁", files_gone_at=NOW)
    assert (uncertain.state, uncertain.told, uncertain.charged_microusd) == ("uncertain", True, 0)
    job, effects = step(uncertain, CALLED, now=NOW + 60)
    assert (job.state, job.told, job.handle, job.revived_at) == ("fetching", False, HANDLE, NOW + 60)
    assert (job.failure, job.charged_microusd, job.files_gone_at) == (None, None, None)
    assert kinds(list(effects)) == ["Show", "Fetch"]
    job, effects = step(job, Made(RESULT), now=NOW + 61)
    assert (job.state, kinds(list(effects))) == ("delivering", ["Settle", "Show", "Deliver"])


def test_a_late_reply_takes_an_uncertain_job_up_again() -> None:
    """A process that had lost the job may still get the reply to its POST; then the job is followed."""
    uncertain, _ = play(LOST, cancel_requested=True)
    job, effects = step(uncertain, Submitted(HANDLE), now=NOW + 60)
    assert (job.state, job.told, job.handle, job.submitted_at) == ("queued", False, HANDLE, NOW + 60)
    assert kinds(list(effects)) == ["Show", "AskCancel", "Follow"]


def test_a_request_that_was_lost_sight_of_is_taken_up_again() -> None:
    """A job that was given up at its deadline goes on when fal calls for its own request."""
    followed: list[Event] = [
        Uploaded(()),
        Submitted(HANDLE),
        LostSight(Failure(kind="unreachable")),
    ]
    uncertain, _ = play([*followed, EndShown()])
    job, _ = step(uncertain, CALLED, now=NOW + 60)
    assert (job.state, job.submitted_at, job.completed_at) == ("fetching", NOW + 1, NOW + 60)
