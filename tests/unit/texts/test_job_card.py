import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.model import PASSING, Address, Failure, Job, LinkReason, Live, PostedVideo, Result, Spot, State
from bot.texts import finished, job_card
from bot.texts.card import FILE, Card, JobCard
from bot.texts.classic_card import classic_card
from bot.texts.layout_texts import layout_texts
from bot.texts.result_link import KEPT_S
from tests.support.job_samples import PICTURE

NOW = 1_800_000_000.0
SETTINGS = [("Resolution", "1080p"), ("Duration", "5 s"), ("Seed", "42")]
MakeJob = Callable[..., Job]
RESULT = Result(url="https://v3.fal.media/files/a/b.mp4", seed=42, size_bytes=26_214_400, width=1920, height=1080)
HOSTILE = st.one_of(
    st.text(max_size=5000),
    st.lists(
        st.sampled_from(
            (
                "@everyone",
                "<@123>",
                "<#1>",
                "```",
                "`",
                "**",
                "https://evil.example/x",
                "[a](https://b.c)",
                "\u202e",
                "e" + "\u0301" * 50,
                "\n# big",
                "\n> quote",
                "||",
                "\\",
                "\ud83d",
                "\u200b",
                "<:x:1>",
                "</a:1>",
                "-# s",
            )
        ),
        max_size=700,
    ).map("".join),
    st.text(min_size=1, max_size=40).map(lambda text: (text * 5000)[:5000]),
)


def card(job: Job, live: Live | None = None, *, at: float = NOW) -> JobCard:
    """Draw the job's card, at a given time."""
    return job_card.status_card(job, live or Live(), now=at, mode_title="Wan 2.7 image", settings=SETTINGS)


def finished_card(job: Job, posted: PostedVideo) -> JobCard:
    """Draw the card of the job's video."""
    return job_card.finished_card(job, posted, mode_title="Wan 2.7 image", settings=SETTINGS)


def words(shown: JobCard) -> str:
    """Everything that a member reads in both styles."""
    return f"{classic_words(classic_card(shown))}\n{layout_words(shown)}"


def classic_words(shown: Card) -> str:
    """Everything that a member reads of an embed and its message."""
    fields = [f"{field.name}: {field.value}" for field in shown.fields]
    return "\n".join([shown.content or "", shown.title, shown.description, *fields, shown.footer or ""])


def layout_words(shown: JobCard) -> str:
    """Everything that a member reads of a message of components."""
    texts = layout_texts(shown)
    return f"{texts.above}\n{texts.heading}\n{texts.below}\n{texts.small}"


def test_a_new_card_says_what_was_asked_and_what_it_costs(make_job: MakeJob) -> None:
    """A card has the prompt, the settings, the cost and its member; the embed also the mode and the formula."""
    shown = card(make_job(state="queued"))
    assert layout_words(shown).strip().splitlines() == [
        "### a red fox in the snow",
        "**Sent to fal**",
        "-# 1080p · 5 s · $0.75 · seed 42 · by <@50>",
    ]
    embed = classic_words(classic_card(shown))
    for said in ("Wan 2.7 image", "> a red fox in the snow", "1080p · 5 s · seed 42", "$0.75", "5 s \u00d7 $0.15"):
        assert said in embed


@pytest.mark.parametrize("state", get_args(State))
def test_what_is_left_of_a_budget_is_private(make_job: MakeJob, state: State) -> None:
    """No card says what its member or the server has left."""
    assert "left of" not in words(card(make_job(state=state)))


def test_nothing_is_said_twice(make_job: MakeJob) -> None:
    """A card without a prompt is headed by its mode; no line of a card repeats another."""
    for job in (make_job(options={}), make_job(state="done", result=RESULT, options={"prompt": "a fox"})):
        shown = layout_words(finished_card(job, PostedVideo(1, file_name="a.mp4")))
        lines = [line for line in shown.splitlines() if line]
        assert len(lines) == len(set(lines)) == 2
    assert layout_texts(card(make_job(options={}))).heading == "### Wan 2\\.7 image".replace("\\.", ".")


def test_a_queued_card_says_how_many_are_ahead(make_job: MakeJob) -> None:
    """The queue position is told as the number of requests ahead, with thousands separated."""
    queued = make_job(state="queued")
    assert "In line at fal, 3 ahead" in words(card(queued, Live(position=3)))
    assert "In line at fal, 12,654 ahead" in words(card(queued, Live(position=12_654)))
    assert "Next in line" in words(card(queued, Live(position=0)))


def test_a_card_that_nobody_edits_leaves_the_time_to_discord(make_job: MakeJob) -> None:
    """The card of a parked job is the same at any time, and says since when, and how long such videos take."""
    live = Live(typical_s=30.0, is_parked=True)
    queued, running = make_job(state="queued"), make_job(state="running", started_at=NOW + 7)
    for job, what in (
        (queued, f"Sent to fal** · ordered <t:{NOW:.0f}"),
        (running, f"the video** · begun <t:{NOW + 7:.0f}"),
    ):
        texts = {card(job, live, at=NOW + later).body for later in (0, 30, 3000)}
        assert len(texts) == 1
        assert f"{what}:R> · usually 30 s" in texts.pop()


def test_an_unknown_status_is_not_told_as_a_queue(make_job: MakeJob) -> None:
    """Until fal has said that a job waits, its card does not say so either."""
    shown = words(card(make_job(state="queued"), Live(), at=NOW + 30)).lower()
    assert "sent to fal" in shown
    assert "in line" not in shown
    assert "queue" not in shown


def test_a_running_card_estimates_from_past_jobs(make_job: MakeJob) -> None:
    """With a usual time, a running card shows percent, elapsed time and about how long is left."""
    running = make_job(state="running", started_at=NOW)
    text = card(running, Live(typical_s=120.0), at=NOW + 40).body
    assert text.endswith("**33 %** · **Making the video** · 40 s so far · about 1 min 20 s left")
    assert "\n" not in text


@given(
    elapsed=st.floats(0, 1e5),
    fraction=st.none() | st.floats(-1, 2),
    typical=st.none() | st.floats(0, 1e5),
    position=st.none() | st.integers(0, 10**6),
    state=st.sampled_from(get_args(State)),
)
def test_a_line_never_contradicts_itself(
    elapsed: float, fraction: float | None, typical: float | None, position: int | None, state: State
) -> None:
    """Elapsed and remaining time stand on one line, which never says both how long is left and that it is late."""
    live = Live(fraction=fraction, typical_s=typical, position=position)
    first, *rest = card(some_job(state=state, started_at=NOW), live, at=NOW + elapsed).body.splitlines() or [""]
    assert not ("left" in first and "longer than usual" in first)
    assert not any("so far" in line or "about" in line for line in rest)
    assert first.count(" so far") <= 1
    assert "0 s so far" not in f"-{first}".replace("10 s", "").replace("0 min", "") or elapsed >= 5


@pytest.mark.parametrize("typical", [None, 120.0])
def test_the_last_step_is_not_longer_than_usual(typical: float | None) -> None:
    """A video whose steps are all done is not late while others took longer, or while none was made before."""
    running = some_job(state="running", started_at=NOW)
    text = words(card(running, Live(fraction=1.0, typical_s=typical), at=NOW + 20))
    assert "about 5 s left" in text
    assert "longer than usual" in words(card(running, Live(fraction=1.0, typical_s=19.0), at=NOW + 20))


def test_a_running_card_without_data_is_honest(make_job: MakeJob) -> None:
    """Without a usual time or fal's progress, there is no percentage and no made-up estimate."""
    text = words(card(make_job(state="running", started_at=NOW), at=NOW + 40))
    assert "%" not in text
    assert "40 s so far" in text
    assert "left" not in text


@given(elapsed=st.floats(0, 1e5), fraction=st.none() | st.floats(-1, 2), typical=st.none() | st.floats(0, 1e5))
def test_a_running_card_never_says_100_percent(elapsed: float, fraction: float | None, typical: float | None) -> None:
    """Only a finished video is 100 %."""
    running = some_job(state="running", started_at=NOW)
    shown = card(running, Live(fraction=fraction, typical_s=typical), at=NOW + elapsed)
    match = re.search(r"\*\*(-?\d+) %", shown.body)
    assert match is None or 0 <= int(match[1]) <= 99


def test_cancel_is_offered_while_it_can_still_help(make_job: MakeJob) -> None:
    """The Cancel button stands from acceptance until fal has finished, and is disabled once it was pressed."""
    for state in get_args(State):
        cancel = [button for button in card(make_job(state=state)).buttons if button.label == "Cancel"]
        assert bool(cancel) == (state in {"waiting", "accepted", "submitting", "queued", "running"})
        assert all(button.custom_id == f"wanda:cancel:{make_job().id}" for button in cancel)
    (pressed,) = card(make_job(state="queued", cancel_requested=True)).buttons
    assert (pressed.label, pressed.disabled) == ("Cancelling\u2026", True)


def test_a_waiting_card_asks_the_approvers(make_job: MakeJob) -> None:
    """A job that waits for approval says by whom and until when, and offers both answers."""
    waiting = card(make_job(state="waiting", approve_by=NOW + 600, approver_role_id=77))
    assert [button.label for button in waiting.buttons] == ["Approve", "Decline", "Cancel"]
    for said in ("Waiting for approval", "<@&77>", f"<t:{int(NOW + 600)}:f>"):
        assert said in words(waiting)


@pytest.mark.parametrize("kind", ["declined", "unapproved", "unasked", "removed"])
def test_what_was_not_approved_is_free(make_job: MakeJob, kind: str) -> None:
    """A job that nobody let begin says so, and that nothing was charged."""
    ended = card(make_job(state="cancelled", charged_microusd=0, failure=Failure(kind=kind)))
    assert "You weren't charged." in words(ended)
    assert [button.label for button in ended.buttons] == ["Try again", "Edit"]


def test_a_billed_failure_says_who_paid(make_job: MakeJob) -> None:
    """The card of an attempt that fal billed names the payer and the sum, and does not claim more than is known."""
    failure = Failure(kind="content_policy_violation", status=422, billed="perhaps", absorbed_microusd=300_000)
    absorbed = words(card(make_job(state="failed", charged_microusd=0, failure=failure)))
    assert "You weren't charged. This server paid" in absorbed
    assert "$0.30" in absorbed
    charged = Failure(kind="content_policy_violation", status=422, billed="yes", charged=True)
    assert "You were charged $0.30, because fal billed this try." in words(
        card(make_job(state="failed", charged_microusd=300_000, failure=charged))
    )


def test_a_finished_card_has_seed_cost_size_and_time(make_job: MakeJob) -> None:
    """The finished card tells seed, charge, size, pixels and how long it took."""
    job = make_job(state="delivering", result=RESULT, charged_microusd=750_000, completed_at=NOW + 112)
    shown = finished_card(job, PostedVideo(8_400_000, file_name="fox.mp4"))
    for said in ("`42`", "$0.75", "8.1 MB", "1920 \u00d7 1080", "made in 1 min 52 s"):
        assert said in words(shown)
    assert shown.link == ""
    assert layout_words(shown).splitlines()[-1] == "-# 1080p · 5 s · $0.75 · seed 42 · by <@50>"
    (video,) = shown.media
    assert (video.source, video.alt, video.is_spoiler) == (f"{FILE}fox.mp4", "a red fox in the snow", False)
    assert {button.custom_id.rpartition(":")[2] for button in shown.buttons} == {job.id}


def test_a_link_says_why_and_how_long(make_job: MakeJob) -> None:
    """A video above the limit is linked with its size, the limit and how long fal keeps it."""
    job = make_job(state="delivering", result=RESULT, charged_microusd=750_000, completed_at=NOW + 112)
    posted = PostedVideo(26_214_400, "too_large", 10 * 1024 * 1024)
    shown = finished_card(job, posted)
    assert shown.link == (
        "The video is 25 MB, above this server's 10 MB, so here's fal's link. "
        f"fal keeps it until about <t:{int(NOW) + 112 + 7 * 86_400}:D>: https://v3.fal.media/files/a/b.mp4"
    )


def test_a_rewritten_prompt_is_told(make_job: MakeJob) -> None:
    """When fal filmed its own wording, the finished card says which."""
    job = make_job(state="delivering", result=replace(RESULT, actual_prompt="A red fox, cinematic"), completed_at=NOW)
    shown = finished_card(job, PostedVideo(1))
    assert "Prompt as rewritten by Wan: A red fox, cinematic" in words(shown)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "cancelled", "charged_microusd": 0}, "You weren't charged."),
        ({"state": "failed", "charged_microusd": 0, "failure": Failure(kind="account")}, "You weren't charged."),
        (
            {"state": "failed", "charged_microusd": 750_000, "failure": Failure(kind="x")},
            "You were charged $0.75, because",
        ),
        ({"state": "uncertain", "charged_microusd": 0, "failure": Failure(kind="lost")}, "You weren't charged."),
    ],
)
def test_every_ending_says_what_it_cost(make_job: MakeJob, changes: dict[str, Any], said: str) -> None:
    """A job that ended without a video says that nothing was charged, or what was and why."""
    assert said in words(card(make_job(**changes)))


def test_the_link_of_a_spoiler_is_hidden(make_job: MakeJob) -> None:
    """A video of a file that was given as a spoiler is linked behind Discord's marks, on the card and by mail."""
    hidden = replace(make_job(state="done", result=RESULT), inputs=(replace(PICTURE, is_spoiler=True),))
    card = finished_card(hidden, PostedVideo(1, "refused"))
    assert card.link.endswith(f": || {RESULT.url} ||")
    assert f"|| {RESULT.url} ||" in finished.mail_text(hidden, attached=False, is_cut=False)
    open_ = finished_card(make_job(result=RESULT), PostedVideo(1, "refused"))
    assert open_.link.endswith(f": {RESULT.url}")


@pytest.mark.parametrize(("must_hide", "spoiler"), [(True, False), (False, True), (False, False)])
def test_previews_are_hidden_where_the_video_will_be(make_job: MakeJob, *, must_hide: bool, spoiler: bool) -> None:
    """Where a server hides every video, or one picture came as a spoiler, no attached picture shows the video early."""
    pictures = (replace(PICTURE, is_spoiler=spoiler), replace(PICTURE, option="end_image"))
    shown = card(replace(make_job(), inputs=pictures, must_hide=must_hide)).media
    assert [item.is_spoiler for item in shown] == [must_hide or spoiler] * 2
    assert [item.source.startswith(f"{FILE}SPOILER_") for item in shown] == [must_hide or spoiler] * 2


def test_a_paid_video_that_discord_refused_is_linked(make_job: MakeJob) -> None:
    """A failed delivery still gives fal's link, because the video was paid for."""
    failure = Failure(kind="undeliverable", charged=True)
    shown = card(make_job(state="failed", result=RESULT, charged_microusd=750_000, failure=failure))
    assert RESULT.url in shown.link
    assert "You were charged $0.75, because fal made the video." in shown.body


@pytest.mark.parametrize("reason", get_args(LinkReason))
def test_every_reason_for_a_link_has_its_own_words(make_job: MakeJob, reason: LinkReason) -> None:
    """A link says what really happened, and whether the video still comes."""
    job = make_job(state="delivering", result=RESULT, completed_at=NOW)

    def said(why: LinkReason) -> str:
        card = finished_card(job, PostedVideo(5, why, 3))
        return card.link

    others = {said(other) for other in get_args(LinkReason) if other != reason}
    assert said(reason) not in others
    assert ("Wanda keeps trying" in said(reason)) == (reason in PASSING)


def test_a_link_whose_video_is_not_tried_again(make_job: MakeJob) -> None:
    """A card that is drawn again after the last try does not promise another one."""
    job = make_job(state="done", result=RESULT, completed_at=NOW, late_at=NOW)
    again = [finished_card(one, PostedVideo(5, "not_fetched")).link for one in (job, replace(job, late_at=None))]
    assert ["Wanda keeps trying" in link for link in again] == [True, False]
    end = int(NOW + KEPT_S)
    assert f"fal keeps it, and Wanda keeps trying to bring it, until about <t:{end}:D>: " in again[0]  # true when stale


def test_a_link_with_characters_that_mean_something_to_discord(make_job: MakeJob) -> None:
    """Brackets and stars of an address are encoded, so that the link is whole and formats nothing."""
    odd = make_job(state="done", result=replace(RESULT, url="https://v3.fal.media/my%20film*(1)_[a].mp4"))
    card = finished_card(odd, PostedVideo(1, "busy"))
    assert card.link.endswith(": https://v3.fal.media/my%20film%2A%281%29_%5Ba%5D.mp4")


def test_a_video_that_reached_nobody(make_job: MakeJob) -> None:
    """The card never says only that it was charged: it says how to get the video, and until when it is tried."""
    failure = Failure(kind="undeliverable", charged=True)
    job = make_job(state="failed", result=RESULT, charged_microusd=1, failure=failure, completed_at=NOW, late_at=NOW)
    assert "`/jobs show` has it" in words(card(job))
    assert "Wanda keeps trying until" in words(card(job))
    assert "keeps trying" not in words(card(replace(job, late_at=None)))


@pytest.mark.parametrize("kind", ["undeliverable", "unplayable"])
def test_how_it_ended_is_said_once(make_job: MakeJob, kind: str) -> None:
    """Beside the link to a video that reached nobody stands only how long fal keeps it."""
    failure = Failure(kind=kind, charged=True)
    job = make_job(state="failed", result=RESULT, charged_microusd=1, failure=failure, completed_at=NOW, late_at=NOW)
    said = layout_words(card(job))
    assert [said.count(one) for one in ("Wanda keeps trying", "fal keeps it until", RESULT.url)] == [1, 1, 1]


def test_a_result_that_does_not_play(make_job: MakeJob) -> None:
    """The card of a file that is no video says so, and whom to tell."""
    failure = Failure(kind="unplayable", charged=True)
    shown = words(card(make_job(state="failed", result=RESULT, charged_microusd=1, failure=failure)))
    assert "fal sent a file that doesn't play." in shown
    assert "fal made the video" not in shown


def test_a_mailed_video(make_job: MakeJob) -> None:
    """The card of a video that went by direct message says where it is."""
    job = make_job(state="done", result=RESULT, mailed=Spot(0, 30, 300))
    assert "by direct message" in words(card(job))


@given(prompt=HOSTILE, title=HOSTILE, value=HOSTILE, formula=HOSTILE, state=st.sampled_from(get_args(State)))
def test_no_text_breaks_discords_limits_or_gets_through(
    prompt: str, title: str, value: str, formula: str, state: State
) -> None:
    """Whatever people write, a card stays within Discord's limits and mentions, links or formats nothing of it."""
    failure = Failure(kind=value, message=value, location=(value,), context={"max_width": value, value: value})
    result = Result(url=value, actual_prompt=value, seed=1)
    job = some_job(state=state, options={"prompt": prompt}, formula=formula, failure=failure, result=result)
    settings = [(value, value)] * 30
    for shown in (
        job_card.status_card(job, Live(), now=NOW, mode_title=title, settings=settings),
        job_card.status_card(replace(job, result=None), Live(), now=NOW, mode_title=title, settings=settings),
        job_card.finished_card(job, PostedVideo(1, "refused"), mode_title=title, settings=settings),
    ):
        within_limits(classic_card(shown))
        assert len(layout_words(shown)) <= 4000
        assert all(len(item.alt) <= 1024 for item in shown.media)
        assert not re.search(
            r"(?<!\\)(@everyone|<@1|<#1|\]\(|https://evil|```)", words(replace(shown, mode_title="", link=""))
        )


def within_limits(shown: Card) -> None:
    """Hold a card to what Discord takes in one message."""
    assert len(shown.title) <= 256
    assert len(shown.description) <= 4096
    assert len(shown.footer or "") <= 2048
    assert len(shown.content or "") <= 2000
    assert all(0 < len(field.name) <= 256 and 0 < len(field.value) <= 1024 for field in shown.fields)
    assert len(classic_words(shown)) <= 6000
    assert all(len(button.label) <= 80 and len(button.custom_id) <= 100 for button in shown.buttons)
    assert not re.search(r"[\ud800-\udfff\u202a-\u202e\u2066-\u2069]", classic_words(shown))


def some_job(**changes: Any) -> Job:
    """Hypothesis cannot reset a fixture, so this is the fixture's job again."""
    address = Address(
        channel_id=20,
        message_id=30,
        application_id=40,
        token="t",
        token_expires_at=NOW + 900,
        size_limit_bytes=10 * 1024 * 1024,
        posted_at=NOW,
    )
    job = Job(
        id="0123456789abcdef0123456789abcdef",
        guild_id=10,
        member_id=50,
        mode="wan27-image",
        options={},
        inputs=(),
        quote_microusd=750_000,
        formula="5 s",
        prices_version="1",
        similar="s",
        state="accepted",
        created_at=NOW,
        updated_at=NOW,
        address=address,
    )
    return replace(job, **changes)


def test_a_lost_request_is_told_as_lost(make_job: MakeJob) -> None:
    """A request that fal may have taken is never told as one that fal was not asked."""
    for kind in ("lost", "unreachable", "refused", "account", "gone", "something_new"):
        shown = card(make_job(state="uncertain", charged_microusd=0, failure=Failure(kind=kind)))
        assert "fal took it, but" in shown.body or "fal's answer got lost" in shown.body
        assert "You weren't charged." in shown.body
