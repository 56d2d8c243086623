from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue import registry
from bot.catalogue.cheaper import Offers, cheaper, nearest, offers
from tests.support.catalogue_samples import LEAST, input_facts, request

PRICES = registry.price_table()


def chain(mode_id: str, *files: str, **options: Any) -> list[tuple[dict[str, Any], int]]:
    """Return every step down from the request, with its price."""
    names = files or LEAST[mode_id][1]
    probed = {name: input_facts(name) for name in names}
    mode = request(mode_id, *names, **options)
    steps = [(mode.options(), mode.quote(probed, PRICES).microusd)]
    while (found := cheaper(mode, probed, PRICES)) is not None:
        mode, quote = found
        steps.append((mode.options(), quote.microusd))
    return steps


@given(st.sampled_from(list(LEAST)))
def test_every_step_costs_less(mode_id: str) -> None:
    """Each step costs less than the one before, and the steps end."""
    prices = [price for _, price in chain(mode_id)]
    assert prices == sorted(set(prices), reverse=True)


def test_resolution_first_then_length() -> None:
    """The resolution goes down before the video gets shorter."""
    steps = chain("wan27-image", resolution="1080p", duration=4)
    assert [(o["resolution"], o["duration"]) for o, _ in steps] == [("1080p", 4), ("720p", 4), ("720p", 3), ("720p", 2)]


def test_one_resolution_at_a_time() -> None:
    """The next lower resolution comes first, not the lowest."""
    steps = chain("wan22-video", resolution="720p", num_frames=81)
    assert [options["resolution"] for options, _ in steps[:3]] == ["720p", "580p", "480p"]


def test_a_clip_keeps_its_length() -> None:
    """A video that continues a clip never becomes shorter than the clip, which is four seconds long here."""
    steps = chain("wan27-image", "video", resolution="720p", duration=6)
    assert [options["duration"] for options, _ in steps] == [6, 5]


def test_a_whole_clip_is_cut() -> None:
    """A clip of four seconds that is kept whole costs less once it is cut; the whole clip is never the shorter one."""
    whole = chain("wan27-edit", "video", resolution="720p")
    assert [(options["duration"], price) for options, price in whole] == [(0, 400_000), (3, 300_000), (2, 200_000)]
    probed = {"video": input_facts("video", seconds=4.3)}
    asked = request("wan27-edit", duration=2)
    found = offers(asked, probed, PRICES, first=request("wan27-edit"))
    assert [one.mode.options()["duration"] for one in found.lengths] == [0, 2, 3, 4]
    assert (found.cheaper, found.back is not None and found.back.quote.microusd) == (None, 430_000)
    assert nearest(request("wan27-edit"), probed, PRICES, fits=lambda one: one.quote.microusd <= 300_000) is not None


def test_frames_within_one_price_are_skipped() -> None:
    """Fewer frames at the same price are not offered as cheaper."""
    steps = chain("wan21-image", resolution="480p", num_frames=100)
    assert [(options["num_frames"], price) for options, price in steps] == [(100, 250_000), (81, 200_000)]


def test_the_cheapest_has_none() -> None:
    """At the mode's lowest price there is nothing cheaper."""
    probed = {"image": input_facts("image")}
    assert cheaper(request("wan25-image", resolution="480p", duration=5), probed, PRICES) is None


@pytest.mark.parametrize("mode_id", list(LEAST))
def test_what_else_was_asked_stays(mode_id: str) -> None:
    """The other options, such as seed and prompt, stay the same."""
    for options, _ in chain(mode_id, seed=7, prompt="a lake"):
        assert (options["seed"], options["prompt"]) == (7, "a lake")


def asked_and_offered(mode_id: str, first: tuple[str, int] | None = None, **options: Any) -> Offers:
    """Return what may be changed of a request; `first` is the resolution and length that were asked at first."""
    files = LEAST[mode_id][1]
    mode = request(mode_id, *files, **options)
    before = None if first is None else request(mode_id, *files, resolution=first[0], duration=first[1])
    return offers(mode, {name: input_facts(name) for name in files}, PRICES, first=before)


@given(st.sampled_from(list(LEAST)))
def test_every_select_holds_what_was_asked(mode_id: str) -> None:
    """The selects fit into Discord's, and each offers the request itself."""
    found = asked_and_offered(mode_id)
    mode = request(mode_id, *LEAST[mode_id][1])
    for variants in (found.resolutions, found.lengths):
        assert 1 <= len(variants) <= 25
        assert [one.mode.options() for one in variants].count(mode.options()) == 1


def test_the_way_back() -> None:
    """The way back has the first request's price, and is offered only where something was changed."""
    changed = asked_and_offered("wan27-image", ("1080p", 8), resolution="720p", duration=8)
    assert changed.back is not None
    assert changed.back.quote.microusd == 1_200_000
    assert asked_and_offered("wan27-image", ("720p", 8), resolution="720p", duration=8).back is None
    assert asked_and_offered("wan27-image", resolution="720p", duration=8).back is None


@given(st.sampled_from(list(LEAST)), st.integers(0, 2_000_000), st.booleans())
def test_the_nearest_that_fits(mode_id: str, left: int, shortens: bool) -> None:
    """The nearest fits, costs less than the request, and no other step down that fits costs more."""
    files = LEAST[mode_id][1]
    probed, mode = {name: input_facts(name) for name in files}, request(mode_id, *files)
    price = mode.quote(probed, PRICES).microusd
    found = nearest(mode, probed, PRICES, fits=lambda one: one.quote.microusd <= left, shortens=shortens)
    fitting = [cost for _, cost in chain(mode_id) if cost <= left and cost < price] if shortens else []
    if found is None:
        assert fitting == []
    else:
        assert max(fitting, default=0) <= found.quote.microusd <= min(left, price - 1)


def test_files_that_were_not_read_allow_every_length() -> None:
    """While the clip to continue was not read, its length bounds no offer."""
    mode = request("wan27-image", "video", resolution="720p", duration=6)
    found = nearest(mode, None, PRICES, fits=lambda one: one.quote.microusd <= 300_000)
    assert found is not None
    assert found.quote.microusd == 300_000
