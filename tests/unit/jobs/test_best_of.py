"""The best of several: what an order of drafts becomes, what it costs, and what is refused."""

from dataclasses import replace

import pytest

from bot.catalogue.cheaper import Variant
from bot.catalogue.fields import Attached
from bot.catalogue.price import PriceTable
from bot.catalogue.registry import build, price_table
from bot.errors import OptionRefused
from bot.jobs.best_of import best_of, drafts_choice, drafts_of, final_quote, final_request, ordered
from bot.jobs.model import Order, Request
from bot.jobs.picks import Pick
from bot.ledger.model import Who
from tests.support.job_samples import ADDRESS, JOB_ID, NOW, PICTURE, RESULT

PRICES: PriceTable = price_table({})
WHO = Who(guild_id=1, channel_id=20, member_id=2, role_ids=())


def a_request(resolution: str = "1080p", mode: str = "wan27-image") -> Request:
    """Return a request for 5 s of a picture."""
    options = {"prompt": "a lake", "resolution": resolution, "duration": 5}
    return Request(mode=build(mode, options, {"image": Attached("lake.png", 1000)}), inputs=(PICTURE,))


def drafts(number: int, request: Request, *, is_chosen: bool = True) -> Request:
    """Return the request for the best of so many."""
    return best_of(request, number, prices=PRICES, is_chosen=is_chosen, fresh_seed=7)


def an_order(request: Request) -> Order:
    """Return the order of this request."""
    return Order(id=JOB_ID, who=WHO, request=request, quote=request.quote(PRICES), requested_at=NOW, address=ADDRESS)


def test_the_price_is_one_sum() -> None:
    """Three drafts of 5 s at $0.10 and the pick at $0.15 (https://fal.ai/models/fal-ai/wan/v2.7/image-to-video)."""
    quote = drafts(3, a_request()).quote(PRICES)
    assert (quote.microusd, quote.videos, quote.begun) == (3 * 500_000 + 750_000, 4, 3)
    assert quote.formula == "3 drafts × $0.50 + the pick $0.75"


def test_an_order_becomes_drafts_and_a_reservation() -> None:
    """Drafts have the cheapest resolution, the full length and their own seeds; the final is reserved under its id."""
    parts = ordered(an_order(drafts(3, a_request())), now=NOW)
    assert [(job.options["resolution"], job.options["duration"], job.options["seed"]) for job in parts.jobs] == [
        ("720p", 5, 7),
        ("720p", 5, 8),
        ("720p", 5, 9),
    ]
    assert {job.quote_microusd for job in parts.jobs} == {500_000}
    (wish,) = parts.reserve
    pick = parts.pick
    assert pick is not None
    assert (wish.job_id, wish.group_id, wish.amount_microusd) == (pick.final_id, JOB_ID, 750_000)
    assert wish.query.resolution == "1080p"
    assert wish.job_id not in {job.id for job in parts.jobs}
    assert parts == ordered(an_order(drafts(3, a_request())), now=NOW)


def a_pick(request: Request) -> Pick:
    """Return the pick of an order."""
    pick = ordered(an_order(request), now=NOW).pick
    assert pick is not None
    return pick


def test_the_final_is_the_draft_in_full() -> None:
    """It has the draft's seed and fal's rewritten prompt, and the price that was told, whatever prices are now."""
    request = drafts(2, a_request())
    parts, pick = ordered(an_order(request), now=NOW), a_pick(request)
    draft = replace(parts.jobs[1], state="done", result=replace(RESULT, seed=8, actual_prompt="a wide lake"))
    final = final_request(draft, pick)
    options = final.mode.options()
    assert (options["resolution"], options["seed"], options["prompt"]) == ("1080p", 8, "a wide lake")
    assert options["enable_prompt_expansion"] is False
    assert (final_quote(pick).microusd, final_quote(pick).formula) == (750_000, "5 s × $0.15")


def test_a_resolution_that_was_not_chosen_gives_way() -> None:
    """Where the default is the drafts' own resolution, the pick is made at the highest; a chosen one is refused."""
    assert drafts(2, a_request("720p"), is_chosen=False).mode.options()["resolution"] == "1080p"
    with pytest.raises(OptionRefused, match="Drafts are made at 720p, so choose a higher resolution") as refused:
        drafts(2, a_request("720p")).quote(PRICES)
    assert refused.value.option == "resolution"


def test_a_mode_of_one_price_has_no_drafts() -> None:
    """Where every resolution costs the same, drafts save nothing."""
    same = price_table({"wan27-image": {"720p": 1, "1080p": 1}})  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionRefused, match="costs the same at every resolution"):
        drafts(2, a_request()).quote(same)


def test_other_settings_of_the_question() -> None:
    """A variant is priced with all its drafts; one that cannot have any is not offered."""
    request = drafts(2, a_request())
    whole = request.whole(PRICES)
    mode = request.mode
    shorter = build(mode.id, {**mode.options(), "duration": 4}, mode.attached())
    priced = whole(Variant(shorter, request.quote(PRICES)))
    assert priced is not None
    assert priced.quote.microusd == 2 * 400_000 + 600_000
    lower = build(mode.id, {**mode.options(), "resolution": "720p"}, mode.attached())
    assert whole(Variant(lower, request.quote(PRICES))) is None


def test_the_choices_of_the_option() -> None:
    """2 to 4 are variations, 12 to 14 drafts, and nothing else is anything."""
    assert [drafts_of(drafts_choice(number)) for number in (2, 3, 4)] == [2, 3, 4]
    assert {drafts_of(one) for one in (0, 1, 2, 4, 11, 15, 10**9, -12)} == {None}
