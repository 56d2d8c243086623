"""A video above the upload limit: a smaller copy, or the link."""

from typing import Any

from bot.texts.result_link import KEPT_S

NOW = 1_800_000_000.0
MIB = 1024 * 1024
Stage = Any  # tests/integration/cards/conftest.py: test folders are not packages
REFUSED = (413, {"code": 40005})


def original(payload: dict[str, Any]) -> str | None:
    """Return the card's text about the original."""
    return next((field["value"] for field in payload["embeds"][0]["fields"] if field["name"] == "Original"), None)


async def test_a_copy_within_the_limit_is_posted_and_forgotten(stage: Stage) -> None:
    """A video above the limit is posted as a copy that fits, beside the original's link; only the original stays."""
    stage.shrinker.can = True
    job = stage.job()
    stage.fake.video = bytes(stage.fake.video) + (11 * MIB).to_bytes(4, "big") + b"free" + bytes(11 * MIB - 8)
    await stage.cards.prepare(job)
    await stage.cards.deliver(job)
    (asked,) = stage.fake.by("PATCH /webhooks")
    assert asked.files == [("wanda-wan27-image-42.mp4", 10 * MIB)]
    said = original(asked.payload)
    assert said is not None
    assert f"{stage.fake.url}/cdn/out.mp4" in said
    assert f"<t:{int(NOW) + 60 + KEPT_S}:D>" in said
    assert "1280 \u00d7 720" in asked.payload["embeds"][0]["footer"]["text"]
    assert [path.name for path in (stage.settings.storage.data_dir / "results").iterdir()] == [f"{job.id}.mp4"]


async def test_a_refused_size_is_tried_once_at_less(stage: Stage) -> None:
    """If Discord refuses a size below its stated limit, one more copy is made at 0.7 of that size."""
    stage.shrinker.can = True
    stage.fake.replies["PATCH /webhooks"] = [REFUSED]
    await stage.cards.deliver(stage.job())
    sizes = [size for asked in stage.fake.by("PATCH /webhooks") for _, size in asked.files]
    assert sizes == [300_000, 210_000]


async def test_a_size_refused_twice_becomes_a_link(stage: Stage) -> None:
    """If the smaller copy is refused too, the card gets the link and its last day, without further attempts."""
    stage.shrinker.can = True
    stage.fake.replies["PATCH /webhooks"] = [REFUSED, REFUSED]
    await stage.cards.deliver(stage.job())
    last = stage.fake.asked[-1]
    assert stage.fake.ends_in_a_link()
    assert last.files == []
    assert f"fal keeps it until about <t:{int(NOW) + 60 + KEPT_S}:D>" in last.payload["content"]
    assert stage.shrinker.asked == [210_000]


async def test_what_cannot_be_made_is_asked_for_once(stage: Stage) -> None:
    """If the encoding failed, the next delivery attempt does not repeat it."""
    job = stage.job()
    stage.fake.video = bytes(stage.fake.video) + (11 * MIB).to_bytes(4, "big") + b"free" + bytes(11 * MIB - 8)
    await stage.cards.prepare(job)
    await stage.cards.deliver(job)
    assert stage.fake.ends_in_a_link()
    assert stage.shrinker.asked == [10 * MIB]
