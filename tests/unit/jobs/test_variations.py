from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.fields import SEED_27_MAX, Attached
from bot.catalogue.price import Quote
from bot.catalogue.registry import build
from bot.errors import OptionRefused
from bot.jobs.model import Order, Request, attached_of
from bot.jobs.short_id import short_id
from bot.jobs.variations import as_variations, jobs_from
from bot.ledger.model import Who
from tests.support.catalogue_samples import input_facts, request
from tests.support.job_samples import ADDRESS, JOB_ID, NOW, PICTURE

ONE = Quote(microusd=750_000, formula="5 s × $0.15", prices_version="test")


def _order(videos: int, seed: int | None, *, trigger: str | None = None) -> Order:
    options = {"prompt": "a lake"} if seed is None else {"prompt": "a lake", "seed": seed}
    request = Request(mode=build("wan27-image", options, attached_of([PICTURE])), inputs=(PICTURE,), trigger=trigger)
    return Order(
        id=JOB_ID,
        who=Who(guild_id=1, channel_id=20, member_id=2, role_ids=()),
        request=as_variations(request, videos, fresh_seed=41),
        quote=ONE.times(videos),
        requested_at=NOW,
        address=ADDRESS,
    )


def test_jobs_of_clips_about_as_long_are_alike() -> None:
    """How long such videos take is known by whole seconds, of the clip where its length is the video's."""
    by_seconds: dict[float, str] = {}
    for seconds in (4.2, 4.4, 5.1):
        clip = input_facts("video", seconds=seconds)
        order = replace(_order(1, None), request=Request(mode=request("wan27-edit"), inputs=(clip,)))
        by_seconds[seconds] = jobs_from(order, now=NOW)[0].similar
    assert by_seconds == {4.2: "wan27-edit:720p:4.0", 4.4: "wan27-edit:720p:4.0", 5.1: "wan27-edit:720p:5.0"}


@given(st.integers(2, 4), st.none() | st.integers(0, SEED_27_MAX))
def test_each_variation_is_a_job_with_its_own_seed_id_and_files(videos: int, seed: int | None) -> None:
    """The first has the given or the fresh seed, and all cost what one costs; the same order gives the same jobs."""
    order = _order(videos, seed)
    jobs = jobs_from(order, now=NOW)
    assert jobs == jobs_from(order, now=NOW)
    assert jobs[0].id == order.id
    assert len({job.id[:24] for job in jobs}) == len({short_id(job.id) for job in jobs}) == videos
    assert jobs[0].options["seed"] == (41 if seed is None else seed)
    assert len({job.options["seed"] for job in jobs}) == len({job.id for job in jobs}) == videos
    assert all(0 <= job.options["seed"] <= SEED_27_MAX for job in jobs)
    assert [job.inputs[0].path for job in jobs] == [f"inputs/{job.id}/image.png" for job in jobs]
    assert {(job.quote_microusd, job.formula) for job in jobs} == {(750_000, "5 s × $0.15")}
    assert [(job.set_id, job.variation and job.variation.number) for job in jobs] == [
        (JOB_ID, number) for number in range(1, videos + 1)
    ]


@pytest.mark.parametrize("videos", [-1, 0, 5, 1000])
def test_no_client_orders_another_number_at_once(videos: int) -> None:
    """A number that Discord's picker does not offer is refused before anything is priced."""
    with pytest.raises(OptionRefused, match="2 to 4"):
        _order(videos, None)


def test_an_order_of_one_video_is_an_ordinary_job_without_a_seed_of_wandas() -> None:
    """Nobody who asks for one video gets a seed that they did not ask for."""
    (job,) = jobs_from(_order(1, None), now=NOW)
    assert (job.variation, job.set_id, "seed" in job.options) == (None, JOB_ID, False)


def test_the_jobs_of_a_set_are_told_apart_by_their_triggers() -> None:
    """So pressing the same button twice is refused, and the second video of a set is not taken for a second press."""
    jobs = jobs_from(_order(3, None, trigger="button:variations"), now=NOW)
    assert [job.trigger for job in jobs] == ["button:variations", "button:variations:2", "button:variations:3"]


def test_an_order_without_a_card_is_no_job_yet() -> None:
    """A set needs its message before it is accepted."""
    with pytest.raises(ValueError, match="no card"):
        jobs_from(replace(_order(2, None), address=None), now=NOW)


def test_the_price_of_several_is_the_sum_and_says_so() -> None:
    """The question and the budgets see $3.00, each job $0.75."""
    four = ONE.times(4)
    assert (four.microusd, four.formula, four.videos) == (3_000_000, "4 videos × 5 s × $0.15", 4)
    assert four.of_one() == ONE
    assert ONE.times(1) == ONE


def test_a_file_is_attached_once_to_the_request() -> None:
    """The mode of a set has the files of the one request."""
    assert _order(4, None).request.mode.attached() == {"image": Attached("lake.png", 1000)}
