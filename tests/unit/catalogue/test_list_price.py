"""fal's price list held against Wanda's prices."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.list_price import ListPrice, Seen, base_prices, counted_microusd, judge, seen_from
from bot.catalogue.mode import Mode
from bot.catalogue.picker import Picker
from bot.catalogue.registry import MODES, by_id, price_table
from bot.errors import SettingsRefused
from bot.settings import DefaultSettings, MoneySettings
from tests.support.catalogue_samples import request

SHIPPED = price_table()
WAN27, WAN22, WAN25 = by_id("wan27-image"), by_id("wan22-video"), by_id("wan25-image")

IF_SO = "If the model's page on fal.ai says so too, set WANDA_BASE_PRICES_USD=wan27-image="


def usd(amount: str, unit: str = "second", currency: str = "USD") -> ListPrice:
    """Return a list price."""
    return ListPrice(Decimal(amount), unit, currency)


SEEN = Seen(usd("0.10"), 100_000)


@pytest.mark.parametrize(("mode", "listed"), [(WAN27, "0.1"), (WAN27, "0.15"), (WAN22, "0.08"), (WAN25, "0.05")])
def test_a_first_look(mode: type[Mode], listed: str) -> None:
    """At first any price that Wanda has for one of the resolutions may be the base that fal lists."""
    assert judge(mode, usd(listed), None, SHIPPED).verdict == "fine"


@pytest.mark.parametrize(
    ("listed", "verdict", "sentence"),
    [
        (
            "0.12",
            "told",
            "fal lists Wan 2.7 image at $0.12 a second, and Wanda counts $0.10 at 720p and $0.15 at 1080p.",
        ),
        ("0.0", "told", "at $0.00 a second"),
        ("0.16", "off", f"{IF_SO}0.16 and restart."),
    ],
)
def test_a_first_look_that_surprises(listed: str, verdict: str, sentence: str) -> None:
    """A price that Wanda does not know is told; above all of hers it turns the mode off."""
    judgement = judge(WAN27, usd(listed), None, SHIPPED)
    assert judgement.verdict == verdict
    assert sentence in judgement.sentence


@pytest.mark.parametrize(
    ("price", "verdict", "sentence"),
    [
        (usd("0.100"), "fine", ""),
        (usd("0.12"), "off", f"is too low. {IF_SO}0.12 and restart."),
        (usd("0.1000001"), "off", f"too low. {IF_SO}0.100001 and"),
        (usd("0.05"), "told", f"may be too high. {IF_SO}0.05 and restart. If it doesn't, leave"),
        (usd("0"), "told", "fal lists Wan 2.7 image at $0.00 a second now, and $0.10 a second before."),
        (usd("0.10", "video"), "off", "fal lists Wan 2.7 image at $0.10 a video now, and $0.10 a second before."),
        (usd("0.10", currency="EUR"), "off", "at 0.10 EUR a second, which is no price in dollars."),
        (None, "told", "fal's price list no longer has Wan 2.7 image. Wanda counts $0.10 at 720p and $0.15 at 1080p."),
    ],
)
def test_a_price_that_moved(price: ListPrice | None, verdict: str, sentence: str) -> None:
    """A rise, another unit and another currency turn the mode off; a fall and a gap are told."""
    judgement = judge(WAN27, price, SEEN, SHIPPED)
    assert judgement.verdict == verdict
    assert sentence in judgement.sentence
    assert bool(judgement.sentence) == (verdict != "fine")


def test_the_operator_raises_the_price() -> None:
    """With the base price that the sentence names, all resolutions cost more, fal's units too, and the mode is on."""
    raised = price_table(MoneySettings().prices_usd, {"wan27-image": Decimal("0.12")})
    assert [raised.rate("wan27-image", one, title="") for one in ("720p", "1080p")] == [120_000, 180_000]
    assert judge(WAN27, usd("0.12"), SEEN, raised).verdict == "fine"
    assert judge(WAN27, usd("0.13"), SEEN, raised).verdict == "off"
    quote = request("wan27-image", resolution="1080p").quote({}, raised)
    assert quote.microusd == 900_000
    assert request("wan27-image", resolution="1080p").billed_microusd(7.5, {}, quote.microusd) == 900_000


def test_stated_prices_count() -> None:
    """Where the prices are stated, the one that was raised least counts, and a base price is a floor to them."""
    stated = {"480p": Decimal("0.06"), "720p": Decimal("0.20"), "1080p": Decimal("0.30")}
    assert counted_microusd(WAN25, price_table({"wan25": stated})) == 60_000
    floor = price_table({"wan25": {**stated, "1080p": Decimal(0)}}, {"wan25-image": Decimal("0.12")})
    assert {one: rate for (mode, one), rate in floor.rows.items() if mode == "wan25-image"} == {
        "480p": 120_000,
        "720p": 240_000,
    }
    assert judge(WAN25, usd("9"), None, price_table({"wan25": {}})).verdict == "fine"  # it is off anyway


@given(
    st.sampled_from(MODES),
    st.decimals("0.000001", 900, places=6),
    st.decimals("0.000001", 900, places=6),
)
def test_what_the_sentence_says_helps(mode: type[Mode], before: Decimal, after: Decimal) -> None:
    """However far a price moves, the base price that is named makes it fine, and one micro-dollar less does not."""
    seen = Seen(ListPrice(before, "second"), counted_microusd(mode, SHIPPED) or 0)
    judgement = judge(mode, ListPrice(after, "second"), seen, SHIPPED)
    if "WANDA_BASE_PRICES_USD=" not in judgement.sentence:
        return
    named = judgement.sentence.partition("WANDA_BASE_PRICES_USD=")[2].partition(" ")[0]
    price = Decimal(named.partition("=")[2])
    if price > 1000:
        return
    helped = price_table(None, base_prices(named, MODES))
    verdict = judge(mode, ListPrice(after, "second"), seen, helped).verdict
    assert verdict == "fine" or (verdict == "told" and judgement.verdict == "told")
    if judgement.verdict == "off":
        short = price_table(None, {mode.id: price * Decimal("0.5")})
        assert judge(mode, ListPrice(after, "second"), seen, short).verdict == "off"


@given(st.decimals(0, 1000, places=9), st.sampled_from(["second", "video"]), st.integers(1, 10**9))
def test_what_was_seen_is_read_again(amount: Decimal, unit: str, counted: int) -> None:
    """What is stored of a price is read as it was."""
    seen = Seen(ListPrice(amount, unit), counted)
    assert seen_from(seen.as_values()) == seen


@pytest.mark.parametrize(
    "values", [None, [], {}, {"amount": "x", "unit": "a", "currency": "USD", "counted_microusd": 1}]
)
def test_what_was_not_stored_so(values: object) -> None:
    """Anything else counts as not seen."""
    assert seen_from(values) is None


@pytest.mark.parametrize("stated", ["wan27-image", "wan27-image=x", "wan1-image=1", "wan27-image=0", "wan27-image=NaN"])
def test_base_prices_that_cannot_be_read(stated: str) -> None:
    """A setting that would be ignored is refused, with how to write it."""
    with pytest.raises(SettingsRefused, match="WANDA_BASE_PRICES_USD is not usable: write a mode and dollars above 0"):
        Picker.of(MoneySettings(base_prices_usd=stated), DefaultSettings())


def test_base_prices_are_picked() -> None:
    """What people pick from has the raised prices."""
    picker = Picker.of(MoneySettings(base_prices_usd="wan27-image=0.12, wan22-video=0.16"), DefaultSettings())
    assert picker.rates(WAN27) == {"720p": 120_000, "1080p": 180_000}
    assert picker.rates(WAN22) == {"480p": 80_000, "580p": 120_000, "720p": 160_000}
