import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import CardGone, DeliveryError, DiscordBusy, Forbidden
from bot.fal.wire.addresses import file_url
from bot.jobs.model import Failure, Live, Result

NOW = 1_800_000_000.0
MIB = 1024 * 1024
CARD = 3000
MP4 = (20).to_bytes(4, "big") + b"ftypisom" + bytes(8)
MOV = (20).to_bytes(4, "big") + b"ftypqt  " + bytes(8)
Stage = Any  # tests/integration/cards/conftest.py: test folders are not packages


async def test_progress_edits_the_card_and_leaves_nothing_behind(stage: Stage) -> None:
    """A shown card is edited through the interaction, with its button, and discord.py stores no view for it."""
    job = stage.job(state="queued", result=None)
    async with stage.cards:
        stage.cards.show(job, Live(position=3))
        await asyncio.wait_for(stage.fake.arrived.wait(), 5)
    (asked,) = stage.fake.by("PATCH /webhooks/4000/token/messages/3000")
    assert "In line at fal, 3 ahead" in asked.payload["embeds"][0]["description"]
    assert asked.payload["components"][0]["components"][0]["custom_id"] == f"wanda:cancel:{job.id}"
    assert asked.payload["allowed_mentions"] == {"parse": []}
    assert "attachments" not in asked.payload
    assert stage.client.persistent_views == []
    assert not stage.client._connection._view_store._views
    assert not stage.client._connection._view_store._synced_message_views


async def test_a_video_goes_from_disk_onto_the_card(stage: Stage) -> None:
    """The finished video is attached to the same message, and the file stays in the results folder."""
    job = stage.job()
    delivered = await stage.cards.deliver(job)
    (asked,) = stage.fake.by("PATCH /webhooks")
    assert asked.files == [("wanda-wan27-image-42.mp4", 300_000)]
    offered = [button["custom_id"] for row in asked.payload["components"] for button in row["components"]]
    assert offered[0] == f"wanda:rerun:{job.id}"
    assert [custom_id.split(":")[1] for custom_id in offered] == ["rerun", "variations", "edit", "continue", "more"]
    assert not stage.client._connection._view_store._views
    assert delivered.ref.message_id == CARD
    assert (stage.settings.storage.data_dir / "results" / f"{job.id}.mp4").read_bytes() == stage.fake.video


async def test_delivering_again_is_the_same_edit(stage: Stage) -> None:
    """After a crash the file on disk is reused, and the same edit replaces the attachment by the same file."""
    job = stage.job()
    await stage.cards.deliver(job)
    stage.now += 100
    assert (await stage.cards.deliver(job)).ref.message_id == CARD
    first, second = stage.fake.by("PATCH /webhooks")
    assert first == second
    assert stage.fake.video_hits == 1


async def test_after_the_token_the_bot_edits(stage: Stage) -> None:
    """After 15 minutes the message is edited with the bot's token."""
    stage.now = NOW + 900
    await stage.cards.deliver(stage.job())
    assert [asked.path for asked in stage.fake.asked] == ["/channels/2000/messages/3000"]
    assert stage.fake.asked[0].files


async def test_a_dead_token_is_not_the_end(stage: Stage) -> None:
    """When Discord calls the token invalid early, the bot's token is used at once."""
    stage.fake.replies["PATCH /webhooks"] = [(401, {"code": 50027, "message": "Invalid Webhook Token"})]
    await stage.cards.deliver(stage.job())
    assert [asked.files for asked in stage.fake.asked] == [[("wanda-wan27-image-42.mp4", 300_000)]] * 2


@pytest.mark.parametrize("answer", [400, 403, 404, 405, 429, None])
async def test_a_webhook_route_that_takes_nothing(stage: Stage, answer: int | None) -> None:
    """Whatever Discord's webhooks answer, the bot's own token keeps the card up to date, and says how the job ended."""
    stage.fake.replies["PATCH /webhooks"] = [None if answer is None else (answer, {"code": 0})] * 100
    job = stage.job(state="queued", result=None)
    async with stage.cards:
        stage.cards.show(job, Live(position=3))
        async with asyncio.timeout(5):
            while not stage.fake.by("PATCH /channels"):
                await stage.fake.arrived.wait()
                stage.fake.arrived.clear()
        await stage.cards.finish(stage.job(state="cancelled", result=None, charged_microusd=0), Live())
    first, last = stage.fake.by("PATCH /channels")
    assert "In line at fal, 3 ahead" in first.payload["embeds"][0]["description"]
    assert "Cancelled" in last.payload["embeds"][0]["description"]


async def test_an_old_card_is_replied_to_once(stage: Stage) -> None:
    """After an hour a new message replies to the card; a repeat finds it, even without the nonce."""
    stage.now = NOW + 3600
    job = stage.job()
    delivered = await stage.cards.deliver(job)
    (posted,) = stage.fake.by("POST /channels/2000/messages")
    assert posted.payload["message_reference"]["message_id"] == str(CARD)
    assert (posted.payload["nonce"], posted.payload["enforce_nonce"]) == (f"v{job.id}"[:25], True)
    assert posted.payload["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert posted.payload["content"] == "<@50>, your video is ready."
    (settled,) = stage.fake.by("PATCH /channels/2000/messages/3000")
    assert settled.payload["components"] == []
    again = await stage.cards.deliver(job)
    assert (again.ref.message_id, len(stage.fake.by("POST"))) == (delivered.ref.message_id, 1)


async def test_a_deleted_card_is_posted_anew(stage: Stage) -> None:
    """If somebody deleted the card, the video is posted as a new message that names the member."""
    stage.fake.replies["PATCH /webhooks"] = [(404, {"code": 10008, "message": "Unknown Message"})]
    delivered = await stage.cards.deliver(stage.job())
    (posted,) = stage.fake.by("POST")
    assert "message_reference" not in posted.payload
    assert posted.payload["content"] == "<@50>, your video is ready."
    assert posted.files
    assert delivered.ref.message_id == 9000


@pytest.mark.parametrize("refusal", [(413, {"code": 40005}), (400, {"code": 40005}), (413, {})])
async def test_a_file_that_discord_calls_too_large_becomes_a_link(stage: Stage, refusal: Any) -> None:
    """After 413 or 40005 the card gets fal's link without an attachment."""
    stage.fake.replies["PATCH /webhooks"] = [refusal]
    await stage.cards.deliver(stage.job())
    last = stage.fake.asked[-1]
    assert stage.fake.ends_in_a_link()
    assert (last.files, last.payload["attachments"]) == ([], [])
    assert f"{stage.fake.url}/cdn/out.mp4" in last.payload["content"]


async def test_a_file_above_the_limit_is_not_even_sent(stage: Stage) -> None:
    """A video above the interaction's own limit is linked at once, with both numbers."""
    job = stage.job()
    small = replace(job, address=replace(job.address, size_limit_bytes=200_000))
    await stage.cards.deliver(small)
    assert stage.fake.ends_in_a_link()
    (asked,) = stage.fake.asked
    assert asked.payload["content"].startswith("The video is 0.3 MB, above this server's 0.2 MB, so here's fal's link")


@pytest.mark.parametrize("body", [b"<html>not a video</html>", b""])
async def test_what_is_no_video_is_linked_not_attached(stage: Stage, body: bytes) -> None:
    """A download that is no video that plays is repeated once, then fal's link is posted."""
    stage.fake.video, stage.prober.plays = body, False
    await stage.cards.deliver(stage.job())
    assert stage.fake.ends_in_a_link()
    assert stage.fake.video_hits == 2
    assert not list((stage.settings.storage.data_dir / "results").iterdir())


async def test_a_video_that_fal_does_not_hand_over_is_linked(stage: Stage) -> None:
    """If the video cannot be downloaded from fal's storage, the member gets fal's link."""
    stage.fake.video_status = 503
    await stage.cards.deliver(stage.job())
    assert stage.fake.ends_in_a_link()
    assert "fal's storage hasn't handed it to Wanda yet" in stage.fake.asked[0].payload["content"]


async def test_a_broken_line_is_tried_again(stage: Stage) -> None:
    """An upload whose connection breaks is retried after a wait, with the whole file."""
    stage.fake.replies["PATCH /webhooks"] = [None]
    await stage.cards.deliver(stage.job())
    assert [asked.files for asked in stage.fake.asked] == [[("wanda-wan27-image-42.mp4", 300_000)]] * 2
    assert stage.slept == [1.0]


async def test_a_busy_discord_is_waited_for_before_a_link_will_do(stage: Stage) -> None:
    """While the video is recent, a busy Discord ends the attempt; later the link is posted instead of the file."""
    stage.fake.replies |= {"PATCH /webhooks": [None] * 3, "PATCH /channels": [None] * 3}
    with pytest.raises(DiscordBusy):
        await stage.cards.deliver(stage.job(completed_at=NOW))
    assert len(stage.fake.asked) == 6
    stage.fake.replies |= {"PATCH /webhooks": [None] * 3, "PATCH /channels": [None] * 3}
    long_ago = stage.job(completed_at=NOW - stage.settings.cards.attach_patience_s)
    await stage.cards.deliver(long_ago)
    assert stage.fake.ends_in_a_link()


async def test_each_route_has_all_its_tries(stage: Stage) -> None:
    """What the token's route was tried in vain is not counted against the bot's own."""
    broken = (400, {"code": 50035, "message": "Invalid Form Body"})
    stage.fake.replies |= {"PATCH /webhooks": [None, None, broken], "PATCH /channels": [None, None]}
    assert (await stage.cards.deliver(stage.job())).reason is None
    routes = [asked.path.split("/")[1] for asked in stage.fake.asked]
    assert routes == ["webhooks"] * 3 + ["channels"] * 3


async def test_no_permission_is_a_sentence(stage: Stage) -> None:
    """If Wanda may not post, the error says what an admin can do."""
    stage.now = NOW + 900
    stage.fake.replies["PATCH /channels"] = [(403, {"code": 50001, "message": "Missing Access"})] * 2
    with pytest.raises(DeliveryError, match="Ask an admin"):
        await stage.cards.deliver(stage.job())


async def test_used_up_edits_lead_to_a_reply(stage: Stage) -> None:
    """30046, with or without `retry_after`, leads to a reply at once."""
    stage.now = NOW + 1000
    stage.fake.replies["PATCH /channels"] = [(400, {"code": 30046})]
    assert (await stage.cards.deliver(stage.job())).ref.message_id == 9000


async def test_an_ending_takes_the_place_of_progress(stage: Stage) -> None:
    """When `finish` returns the card shows how the job ended, and no older state replaces it."""
    job = stage.job(state="queued", result=None)
    async with stage.cards:
        stage.cards.show(job, Live(position=3))
        await asyncio.wait_for(stage.fake.arrived.wait(), 5)
        ended = replace(job, state="failed", updated_at=NOW + 5, charged_microusd=0, failure=Failure(kind="account"))
        await stage.cards.finish(ended, Live())
        stage.cards.show(job, Live(position=1))
        await asyncio.sleep(0)
    last = stage.fake.asked[-1]
    assert "You weren't charged." in last.payload["embeds"][0]["description"]
    assert [button["label"] for button in last.payload["components"][0]["components"]] == ["Try again", "Edit"]
    assert len(stage.fake.asked) == 2


async def test_an_ending_that_waits_for_discord(stage: Stage) -> None:
    """`finish` raises DiscordBusy after a bounded number of attempts by each token; the card still shows progress."""
    stage.fake.replies |= {"PATCH /webhooks": [None] * 3, "PATCH /channels": [None] * 3}
    job = stage.job(state="cancelled", result=None, charged_microusd=0)
    with pytest.raises(DiscordBusy):
        await stage.cards.finish(job, Live())
    assert len(stage.fake.asked) == 6
    assert stage.slept == [1.0, 2.0, 1.0, 2.0]


async def test_an_ending_that_cannot_be_told_is_no_error(stage: Stage) -> None:
    """`finish` returns if Discord refuses the edit for good."""
    stage.now = NOW + 900
    stage.fake.replies["PATCH /channels"] = [(403, {"code": 50001, "message": "Missing Access"})] * 2
    await stage.cards.finish(stage.job(state="cancelled", result=None, charged_microusd=0), Live())


async def test_a_disk_that_fails_leaves_the_link(stage: Stage) -> None:
    """If the disk cannot store the video, fal's link is posted, because the video was paid for."""
    (stage.settings.storage.data_dir / "results").write_text("a file where the folder must be")
    await stage.cards.deliver(stage.job())
    assert stage.fake.ends_in_a_link()


async def test_only_fals_hosts_are_asked(stage: Stage) -> None:
    """A result URL into the operator's own network is not fetched."""
    job = stage.job(result=Result(url="http://169.254.169.254/latest/meta-data", seed=1))
    await stage.cards.deliver(job)
    assert stage.fake.ends_in_a_link()
    assert stage.fake.video_hits == 0


NO_ACCESS = (403, {"code": 50013, "message": "Missing Permissions"})


@pytest.mark.parametrize("name", ["my film.mp4", "größe (1).mp4", f"a.mp4?sig={'b' * 3000}", "a.mp4?sig=a%2Fb%2Bc%3D"])
async def test_an_odd_address_is_downloaded(stage: Stage, name: str) -> None:
    """A video is fetched from the address that fal gave, whatever stands in it, and byte for byte if it is signed."""
    url = file_url(f"{stage.fake.url}/cdn/{name}")
    posted = await stage.cards.deliver(stage.job(result=Result(url=url, seed=42)))
    assert posted.reason is None
    assert stage.fake.asked[-1].files == [("wanda-wan27-image-42.mp4", 300_000)]
    assert stage.fake.targets[-1] == url.removeprefix(stage.fake.url)


async def test_a_link_too_long_for_a_message(stage: Stage) -> None:
    """A link that no message can hold is attached as a text file, and the card says so."""
    stage.fake.video_status = 503
    url = f"{stage.fake.url}/cdn/out.mp4?sig={'b' * 2200}"
    await stage.cards.deliver(stage.job(result=Result(url=url)))
    asked = stage.fake.asked[-1]
    assert "it's in the attached text file" in asked.payload["content"]
    assert asked.files == [("link.txt", len(url))]


@pytest.mark.parametrize(("head", "ending"), [(b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "webm"), (MOV, "mov"), (MP4, "mp4")])
async def test_the_ending_tells_the_format(stage: Stage, head: bytes, ending: str) -> None:
    """A result in another format than MP4 is attached under a name that players understand."""
    stage.fake.video = head + bytes(1000)
    await stage.cards.deliver(stage.job())
    ((name, _),) = stage.fake.asked[-1].files
    assert name == f"wanda-wan27-image-42.{ending}"


@pytest.mark.parametrize(
    ("plays", "busy", "reason"), [(False, False, "unplayable"), (True, True, "unchecked"), (True, False, None)]
)
async def test_a_worker_looks_at_what_is_not_plainly_a_video(
    stage: Stage, plays: bool, busy: bool, reason: str | None
) -> None:
    """What a decoder cannot play is not attached; while no worker can look, that is the reason."""
    stage.prober.plays, stage.prober.busy = plays, busy
    assert await stage.cards.prepare(stage.job()) == reason
    results = stage.settings.storage.data_dir / "results"
    assert len(list(results.iterdir())) == (reason is None)


async def test_a_full_disk_is_the_reason(stage: Stage) -> None:
    """If Wanda's disk takes no video, the link says that, and not that fal's storage failed."""
    (stage.settings.storage.data_dir / "results").write_bytes(b"no folder")
    posted = await stage.cards.deliver(stage.job())
    assert posted.reason == "no_room"
    assert "Wanda's disk has no room for it" in stage.fake.asked[-1].payload["content"]


async def test_no_files_here(stage: Stage) -> None:
    """Where Wanda may write but not attach files, the link says so."""
    stage.now = NOW + 1000
    stage.fake.replies["PATCH /channels"] = [NO_ACCESS]
    posted = await stage.cards.deliver(stage.job())
    assert posted.reason == "forbidden"
    assert "Wanda can't attach files here" in stage.fake.asked[-1].payload["content"]


async def test_a_link_is_replaced(stage: Stage) -> None:
    """The late video goes onto the message of its link, without the sentence of the link."""
    job = stage.job(state="done", told=True, late_at=NOW + 100)
    stage.now = NOW + 100
    posted = await stage.cards.replace_link(job)
    assert posted.ref.message_id == CARD
    assert stage.fake.asked[-1].files
    assert not stage.fake.asked[-1].payload["content"]


async def test_a_link_that_somebody_deleted(stage: Stage) -> None:
    """If the message of the link was deleted, no other is posted."""
    stage.fake.replies["PATCH /webhooks"] = [(404, {"code": 10008, "message": "Unknown Message"})]
    with pytest.raises(CardGone):
        await stage.cards.replace_link(stage.job(state="done", told=True))
    assert stage.fake.by("POST") == []


async def test_a_late_video_that_is_still_missing(stage: Stage) -> None:
    """As long as the video is missing the card with its link is not touched."""
    stage.fake.video_status = 404
    with pytest.raises(DeliveryError):
        await stage.cards.replace_link(stage.job(state="done", told=True))
    assert stage.fake.asked == []


@pytest.mark.parametrize("code", [50001, 50013, 10003, 50083, 160005])
async def test_a_closed_channel_takes_nothing(stage: Stage, code: int) -> None:
    """A channel or thread that is gone, locked or forbidden is told apart from other trouble."""
    stage.now = NOW + 1000
    refusals = [(403, {"code": code, "message": "no"})] * 4
    stage.fake.replies |= {"PATCH /channels": refusals, "POST /channels": list(refusals)}
    with pytest.raises(Forbidden):
        await stage.cards.deliver(stage.job())


@pytest.mark.parametrize("status", [200, 503])
async def test_a_video_by_direct_message(stage: Stage, status: int) -> None:
    """A direct message says which channel did not take the video, and holds the video or else the link; no buttons."""
    stage.fake.video_status = status
    posted = await stage.cards.mail(stage.job())
    (asked,) = stage.fake.by("POST /channels/6000/messages")
    assert "Wanda can't post in <#2000>" in asked.payload["content"]
    assert asked.payload["components"] == []
    assert bool(asked.files) == (status == 200) == (posted.reason is None)
    assert ("/cdn/out.mp4" in asked.payload["content"]) == (status != 200)


async def test_a_member_who_takes_no_direct_messages(stage: Stage) -> None:
    """A member whom Wanda may not write to is told apart from other trouble."""
    stage.fake.replies["POST /channels"] = [(403, {"code": 50007, "message": "Cannot send messages to this user"})] * 2
    with pytest.raises(Forbidden):
        await stage.cards.mail(stage.job())
