import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.cards.pacer import EditOutcome, Frame, Pacer
from bot.errors import StartRefused
from bot.jobs.model import Job, Live
from bot.settings import CardSettings
from bot.texts import job_card
from bot.texts.card import JobCard

NOW = 1_800_000_000.0
MakeJob = Callable[..., Job]
SETTINGS = CardSettings(edit_interval_s=4, edit_age_max_s=3600, channel_edit_interval_s=1.5)


class PacerStage:
    """A clock that tests move, sleeps that follow it, and a list of the edits."""

    def __init__(self, *, shared: int | None = None) -> None:
        self.now = NOW
        self.edits: list[tuple[float, str, str]] = []
        self.drawn = 0
        self.failing = False
        self.reachable = True
        self.busy = False
        self.gate: asyncio.Event | None = None
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.pacer = Pacer(
            SETTINGS, self.draw, self.edit, lambda _job: shared, cards_max=1000, now=lambda: self.now, sleep=self.sleep
        )

    def draw(self, frame: Frame) -> JobCard:
        """Draw the queue position, and the elapsed time only while running."""
        self.drawn += 1
        card = job_card.status_card(frame.job, frame.live, now=self.now, mode_title="m", settings=())
        body = card.body if frame.job.state == "running" else f"{frame.job.state} {frame.live.position}"
        return replace(card, body=body)

    async def edit(self, job: Job, card: JobCard) -> EditOutcome:
        """Record the edit; fail, delay or skip it as the test says."""
        if self.busy:
            return "skipped"
        if self.gate is not None:
            await self.gate.wait()
        if self.failing:
            raise ConnectionError("no")
        self.edits.append((self.now - NOW, job.id, card.body))
        return "edited" if self.reachable else "gone"

    async def sleep(self, seconds: float) -> None:
        """Sleep by this stage's clock."""
        if seconds > 0:
            future = asyncio.get_running_loop().create_future()
            self._sleepers.append((self.now + seconds, future))
            await future

    async def settle(self) -> None:
        """Run everything that is ready."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Move the clock, waking each sleeper at its own time."""
        end = self.now + seconds
        await self.settle()
        while due := sorted((at, index) for index, (at, _) in enumerate(self._sleepers) if at <= end):
            at, index = due[0]
            _, future = self._sleepers.pop(index)
            self.now = max(self.now, at)
            if not future.done():
                future.set_result(None)
            await self.settle()
        self.now = end


async def test_the_first_edit_is_at_once_and_the_newest_state_wins(make_job: MakeJob) -> None:
    """A new card is edited at once; of several states within one interval only the newest is shown."""
    stage, job = PacerStage(), make_job(state="queued")
    async with stage.pacer:
        stage.pacer.show(job, Live(position=9))
        await stage.settle()
        for position in (8, 7, 6):
            stage.pacer.show(job, Live(position=position))
        await stage.advance(10)
    assert stage.edits == [(0, job.id, "queued 9"), (4, job.id, "queued 6")]


async def test_a_skipped_edit_is_made_later(make_job: MakeJob) -> None:
    """A card that never changes, such as one that waits for approval, is edited even if its first edit was skipped."""
    stage, job = PacerStage(shared=1), make_job(state="waiting")
    stage.busy = True
    async with stage.pacer:
        stage.pacer.show(job, Live())
        await stage.advance(10)
        assert stage.edits == []
        stage.busy = False
        await stage.advance(10)
    assert [text for _, _, text in stage.edits] == ["waiting None"]


async def test_nothing_new_is_not_edited(make_job: MakeJob) -> None:
    """A card whose text is unchanged is not edited."""
    stage, job = PacerStage(), make_job(state="queued")
    async with stage.pacer:
        for _ in range(5):
            stage.pacer.show(job, Live(position=9))
            await stage.advance(20)
    assert len(stage.edits) == 1


@pytest.mark.parametrize("shared", [None, 20], ids=["its own bucket", "the channel's bucket"])
async def test_a_card_is_drawn_once_for_an_edit(make_job: MakeJob, shared: int | None) -> None:
    """The card is drawn once for each edit, and once for each check that finds no change."""
    stage, job = PacerStage(shared=shared), make_job(state="queued")
    async with stage.pacer:
        for position in (9, 8, 7):
            stage.pacer.show(job, Live(position=position))
            await stage.advance(4)
        assert (len(stage.edits), stage.drawn) == (3, 3 + 1)  # the last look found nothing new
        await stage.advance(8)
    assert (len(stage.edits), stage.drawn) == (3, 3 + 1 + 2)


async def test_a_card_that_waited_for_its_channel_shows_the_newest_state(make_job: MakeJob) -> None:
    """A card that waits for its channel's rate limit is then edited to the newest state."""
    stage = PacerStage(shared=20)
    first, second = make_job(id="a" * 32, state="queued"), make_job(id="b" * 32, state="queued")
    async with stage.pacer:
        stage.pacer.show(first, Live(position=1))
        stage.pacer.show(second, Live(position=2))
        await stage.advance(1)
        stage.pacer.show(second, Live(position=0))
        await stage.advance(1)
    assert stage.edits == [(0, first.id, "queued 1"), (1.5, second.id, "queued 0")]


async def test_time_passes_on_a_running_card_and_slows_with_age(make_job: MakeJob) -> None:
    """A running card is edited as time passes, less often with age, and not at all after an hour."""
    stage, job = PacerStage(), make_job(state="running", started_at=NOW)
    async with stage.pacer:
        stage.pacer.show(job, Live(typical_s=60))
        await stage.advance(4000)
        times = [at for at, _, _ in stage.edits]
        gaps = [(late, late - early) for early, late in pairwise(times)]
        assert 50 <= len([at for at in times if at < 300]) <= 75
        assert all(gap >= 3.999 for _, gap in gaps)
        assert all(gap >= 7.999 for at, gap in gaps if at > 310)
        assert all(gap >= 19.999 for at, gap in gaps if at > 930)
        assert max(times) < 3600
        assert len(stage.pacer) == 0


async def test_a_card_that_stays_as_it_is_needs_no_task(make_job: MakeJob) -> None:
    """The card of a parked job is edited once; then nothing but a hash is kept of it until it says something new."""
    stage, job = PacerStage(), make_job(state="queued")
    async with stage.pacer:
        for _ in range(3):
            stage.pacer.show(job, Live(is_parked=True))
            await stage.advance(100)
            assert len(stage.pacer) == 0
        stage.pacer.show(replace(job, state="running", updated_at=NOW + 1), Live(is_parked=True))
        await stage.advance(100)
        assert (len(stage.edits), len(stage.pacer)) == (2, 0)
        await stage.pacer.end(job)
    assert not stage.pacer._standing


async def test_cards_that_go_on_together_keep_the_pace(make_job: MakeJob) -> None:
    """When many parked jobs go on at once, their cards are edited at the configured rate."""
    stage = PacerStage()
    jobs = [make_job(id=f"job-{n}", state="queued") for n in range(200)]
    async with stage.pacer:
        for job in jobs:
            stage.pacer.show(job, Live(is_parked=True))
        await stage.advance(10)
        for job in jobs:
            stage.pacer.show(replace(job, state="fetching", updated_at=NOW + 1), Live(is_parked=True))
        await stage.advance(1)
    assert len(stage.edits) - len(jobs) <= SETTINGS.edits_per_s_max + 1


async def test_an_edit_on_its_way_is_over_before_the_last_one(make_job: MakeJob) -> None:
    """`end` returns once the edit in progress is done, and no edit follows."""
    stage, job = PacerStage(), make_job(state="queued")
    stage.gate = asyncio.Event()
    async with stage.pacer:
        stage.pacer.show(job, Live(position=1))
        await stage.settle()
        ending = asyncio.create_task(stage.pacer.end(job))
        await stage.settle()
        assert not ending.done()
        stage.gate.set()
        await ending
        assert len(stage.edits) == 1
        stage.pacer.show(job, Live(position=0))
        await stage.advance(60)
    assert len(stage.edits) == 1


async def test_a_job_that_moved_on_after_its_end_is_shown_again(make_job: MakeJob) -> None:
    """Only states up to the ended one are ignored: a job that comes back to life is shown."""
    stage, job = PacerStage(), make_job(state="uncertain")
    async with stage.pacer:
        await stage.pacer.end(job)
        stage.pacer.show(replace(job, state="queued"), Live())
        await stage.settle()
        assert stage.edits == []
        stage.pacer.show(replace(job, state="queued", updated_at=NOW + 1), Live())
        await stage.settle()
    assert len(stage.edits) == 1


async def test_failing_edits_are_repeated_ever_more_slowly_and_not_for_ever(make_job: MakeJob) -> None:
    """A failed edit is retried with backoff and given up after eight failures in a row."""
    stage, job = PacerStage(), make_job(state="queued")
    stage.failing = True
    async with stage.pacer:
        stage.pacer.show(job, Live())
        await stage.advance(10)
        stage.failing = False
        await stage.advance(30)
        assert len(stage.edits) == 1
        stage.failing = True
        stage.pacer.show(job, Live(position=5))
        await stage.advance(1000)
        assert len(stage.pacer) == 0


async def test_a_card_out_of_reach_is_left_alone(make_job: MakeJob) -> None:
    """When an edit reports that the card cannot be edited any more, the card's pacing ends, whatever the job does."""
    stage, job = PacerStage(), make_job(state="queued")
    stage.reachable = False
    async with stage.pacer:
        stage.pacer.show(job, Live())
        await stage.settle()
        assert len(stage.pacer) == 0
        for second in range(1, 5):
            stage.pacer.show(replace(job, state="running", updated_at=NOW + second), Live(fraction=second / 5))
            await stage.advance(60)
    assert len(stage.edits) == 1


async def test_cards_that_share_a_channel_take_turns(make_job: MakeJob) -> None:
    """With the bot's token, the edits of one channel are at least 1.5 s apart, and each card gets its turn."""
    stage = PacerStage(shared=20)
    async with stage.pacer:
        for number in range(6):
            stage.pacer.show(make_job(id=f"{number:032x}", state="queued"), Live())
        await stage.advance(30)
    times = [at for at, _, _ in stage.edits]
    assert len(times) == 6
    assert all(late - early >= 1.499 for early, late in pairwise(times))


async def test_many_cards_make_no_more_edits_a_second_than_allowed(make_job: MakeJob) -> None:
    """With any number of cards, each is shown at once, and all are then edited in turn at the configured rate."""
    stage = PacerStage()
    jobs = [make_job(id=f"job-{n}", state="running", started_at=NOW) for n in range(600)]
    async with stage.pacer:
        for job in jobs:
            stage.pacer.show(job, Live())
        await stage.settle()
        assert len(stage.edits) == len(jobs)
        await stage.advance(60)
    later = [at for at, _, _ in stage.edits[len(jobs) :]]
    in_any_second = [sum(1 for at in later if start <= at < start + 1) for start in range(60)]
    assert max(in_any_second) <= SETTINGS.edits_per_s_max + 1
    assert len({job_id for _, job_id, _ in stage.edits[len(jobs) :]}) == len(jobs)


async def test_cards_that_ended_cost_the_others_no_turn(make_job: MakeJob) -> None:
    """Cards that ended while they waited for their turn do not delay the next one."""
    stage = PacerStage()
    crowd = [make_job(id=f"job-{n}", state="running", started_at=NOW) for n in range(600)]
    alone = make_job(id="alone", state="running", started_at=NOW, updated_at=NOW + 5)
    async with stage.pacer:
        for job in crowd:
            stage.pacer.show(job, Live())
        await stage.advance(4.5)  # all of them stand in line now
        for job in crowd:
            await stage.pacer.end(job)
        stage.pacer.show(alone, Live())
        await stage.advance(5)
    assert [at for at, job_id, _ in stage.edits if job_id == "alone"] == pytest.approx([4.5, 8.5], abs=0.2)


async def test_cards_with_nothing_new_cost_the_others_no_turn(make_job: MakeJob) -> None:
    """Among many unchanged cards, a changed one is edited as soon as its interval is over."""
    stage = PacerStage()
    silent = [make_job(id=f"job-{n}", state="queued") for n in range(600)]
    alone = make_job(id="alone", state="running", started_at=NOW)
    async with stage.pacer:
        for job in (*silent, alone):
            stage.pacer.show(job, Live(typical_s=60))
        await stage.advance(9)
    assert [at for at, job_id, _ in stage.edits if job_id == "alone"] == pytest.approx([0, 4, 8], abs=0.2)


async def test_leaving_ends_all_pacing_and_showing_is_still_safe(make_job: MakeJob) -> None:
    """After the pacer has ended nothing is edited and `show` does nothing."""
    stage, job = PacerStage(), make_job(state="queued")
    stage.pacer.show(job, Live())
    async with stage.pacer:
        stage.pacer.show(job, Live())
        await stage.settle()
    stage.pacer.show(replace(job, updated_at=NOW + 5), Live(position=3))
    await stage.settle()
    assert len(stage.edits) == 1
    assert len(stage.pacer) == 0


async def test_an_error_inside_leaves_as_it_is(make_job: MakeJob) -> None:
    """An exception that ends the program passes through the pacer unwrapped and ends the pacing."""
    stage = PacerStage()

    async def start() -> None:
        async with stage.pacer:
            stage.pacer.show(make_job(state="queued"), Live())
            await stage.settle()
            raise StartRefused("no token")

    with pytest.raises(StartRefused, match="no token"):
        await start()
    assert len(stage.pacer) == 0


async def test_a_card_that_cannot_be_drawn_harms_no_other(make_job: MakeJob) -> None:
    """An error in drawing one card does not affect other cards."""
    stage, bad, good = PacerStage(), make_job(id="b" * 32, state="queued"), make_job(state="queued")
    draw = stage.draw

    def fussy(frame: Frame) -> JobCard:
        if frame.job.id == bad.id:
            raise ValueError("no")
        return draw(frame)

    stage.pacer = Pacer(
        SETTINGS, fussy, stage.edit, lambda _job: None, cards_max=1000, now=lambda: stage.now, sleep=stage.sleep
    )
    async with stage.pacer:
        stage.pacer.show(bad, Live())
        stage.pacer.show(good, Live(position=1))
        await stage.advance(1000)
        stage.pacer.show(good, Live(position=0))
        await stage.advance(20)
    assert [text for _, _, text in stage.edits] == ["queued 1", "queued 0"]
