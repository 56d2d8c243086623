from dataclasses import replace

import pytest

from bot.exports.rows import MOVEMENT_COLUMNS, VIDEO_COLUMNS, Names, movement_row, usd, video_row
from bot.jobs.model import Part, card_url
from bot.ledger.model import Entry, Spent
from bot.texts.exports import charged_to, export_text
from tests.support.job_samples import a_job

NAMES = Names(reader_id=1, members={42: "Ann"}, channels={})
SPENT = Spent(
    job_id="5" * 32,
    member_id=42,
    counted_at=100.0,
    ended_at=160.0,
    state="settled",
    quote_microusd=750_000,
    member_microusd=750_000,
    server_microusd=750_000,
    mode="wan27-image",
    job_state="done",
)
ENTRY = Entry(
    id="e1",
    guild_id=7,
    job_id="5" * 32,
    scope="member:7:42",
    kind="settle",
    held_delta_microusd=-750_000,
    spent_delta_microusd=62_500,
    counted_at=100.0,
    at=160.0,
    actor="wanda",
    reason="declined",
    declined_by=3,
)


def test_video() -> None:
    """A row says who asked for what, where it is, what it cost and who paid, in exact dollars and UTC."""
    part = Part(film_id="f" * 32, shot_id="1" * 8, number=2, of=5, message_id=30)
    job = replace(
        a_job(), id=SPENT.job_id, member_id=42, part=part, options={"prompt": "x" * 300, "negative_prompt": "secret"}
    )
    row = dict(
        zip(
            VIDEO_COLUMNS,
            video_row(SPENT, job, replace(NAMES, channels={job.address.channel_id: "films"})),
            strict=True,
        )
    )
    assert {name: str(value) for name, value in row.items()} == {
        "video_id": "5" * 32,
        "asked_at": "1970-01-01T00:01:40Z",
        "ended_at": "1970-01-01T00:02:40Z",
        "member": "Ann",
        "member_id": "42",
        "channel": "films",
        "mode": "wan27-image",
        "state": "done",
        "money": "settled",
        "price_usd": "0.75",
        "cost_usd": "0.75",
        "charged_to": "member",
        "member_paid_usd": "0.75",
        "prompt": "x" * 279 + "…",  # what the card shows to everybody
        "link": card_url(job),
        "film_id": "f" * 32,
    }


def test_deleted() -> None:
    """Of a video whose member deleted their data the money is left, and a channel that is gone is called that."""
    row = dict(zip(VIDEO_COLUMNS, video_row(replace(SPENT, member_id=-5), None, NAMES), strict=True))
    assert (row["member"], row["channel"], row["prompt"], row["link"]) == ("a former member", None, None, None)
    row = dict(zip(VIDEO_COLUMNS, video_row(SPENT, a_job(), NAMES), strict=True))
    assert row["channel"] == "a deleted channel"


def test_movement() -> None:
    """A movement says whose budget, how much, when, by whom and why."""
    row = dict(zip(MOVEMENT_COLUMNS, map(str, movement_row(ENTRY)), strict=True))
    assert (row["budget"], row["budget_of"], row["kind"]) == ("member", "42", "settle")
    assert (row["held_usd"], row["spent_usd"]) == ("-0.75", "0.0625")
    assert row["reason"] == "declined by 3"
    of_caps = dict(zip(MOVEMENT_COLUMNS, movement_row(replace(ENTRY, scope="cap:7")), strict=True))
    assert of_caps["budget"] == "operator's cap"


@pytest.mark.parametrize(
    ("state", "member", "server", "said"),
    [
        ("settled", 5, 5, "member"),
        ("settled", 0, 5, "server"),
        ("settled", 2, 5, "member and server"),
        ("settled", 0, 0, "nobody"),
        ("released", 0, 0, "nobody"),
        ("held", 0, 0, ""),
        ("exposed", 0, 0, ""),
    ],
)
def test_charged_to(state: str, member: int, server: int, said: str) -> None:
    """It says who paid, and nothing while that is open."""
    assert charged_to(replace(SPENT, state=state, member_microusd=member, server_microusd=server)) == said


@pytest.mark.parametrize(
    ("microusd", "said"), [(0, "0.00"), (1, "0.000001"), (62_500, "0.0625"), (-350_000, "-0.35"), (12 * 10**6, "12.00")]
)
def test_usd(microusd: int, said: str) -> None:
    """An amount is exact, with cents at least."""
    assert str(usd(microusd)) == said


def test_an_export_says_what_is_missing() -> None:
    """A file that was cut off is named, with what to do."""
    assert export_text([("videos.csv", 1, True), ("movements.csv", 2, True)], None) == (
        "Here's everything, oldest first: **videos.csv** (1 row) and **movements.csv** (2 rows). "
        "Amounts are in dollars, times in UTC."
    )
    cut = export_text([("videos.csv", 1, True), ("movements.csv", 2, False)], 7)
    assert "the last 7 days" in cut
    assert "movements.csv got too large" in cut
