from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue import registry
from bot.catalogue.cheaper import cheaper
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
