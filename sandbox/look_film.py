"""The panel and the card of a film in `make look`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from bot.films.checks import problems
from bot.films.model import Draft, Film, Joined, Shot, Take
from bot.jobs.model import Failure, Input, Job, Live, Part, PostedVideo, Result, State
from bot.ledger.model import Share, Who
from bot.texts import film_panel
from bot.texts.card import Card, Field, JobCard
from bot.texts.film_buttons import redo_card, retry_card
from bot.texts.film_card import film_card
from bot.texts.film_panel import (
    DraftPage,
    deletion_panel,
    draft_panel,
    left_words,
    question_panel,
    said_panel,
    shot_panel,
)
from bot.texts.panel import Panel
from bot.texts.quota import Reach

NOW = 1_795_000_000.0
FILM = "f" * 32
FILM_FILE, PARTS_FILE = "wanda-film-abcdef.mp4", "wanda-wan27-image-{}.mp4"
PROMPTS = (
    "A lighthouse in a storm at dusk; waves break against the rocks and spray flies high.",
    "The camera climbs the tower, past the windows, up to the lamp.",
    "Inside, an old keeper winds the clockwork by candlelight.",
    "He looks up; the storm breaks, and the first light falls through the glass.",
    "Morning: the calm sea from above, a small boat heads for the harbour.",
)
LEFT = Reach(3_250_000, "your allowance for today")
SHARES = (Share("a" * 32, 50, 300_000), Share("b" * 32, 51, 400_000), Share("c" * 32, 52, 50_000))
MakeJob: TypeAlias = Callable[..., Job]


def picture(name: str) -> Input:
    """Return a picture of a draft."""
    return Input(
        option="image",
        path=f"inputs/{FILM}/{name}",
        file_name=name,
        kind="image",
        format="png",
        size_bytes=900_000,
        width=1280,
        height=720,
    )


def shots() -> tuple[Shot, ...]:
    """Return five shots, with each way of joining."""
    one, two, three, four, five = (Shot(id=f"{n}" * 8, prompt=text) for n, text in enumerate(PROMPTS, start=1))
    return (
        replace(one, picture=picture("lighthouse.png")),
        replace(two, joining="continue"),
        replace(three),
        replace(four, joining="morph", end_picture=picture("keeper.png")),
        replace(five, joining="continue", seconds=8),
    )


def a_draft(**changes: Any) -> Draft:
    """Return a draft of five shots."""
    sound = replace(picture("sea.mp3"), kind="audio", format="mp3")
    draft = Draft(
        id=FILM,
        guild_id=10,
        member_id=50,
        channel_id=20,
        updated_at=NOW,
        resolution="1080p",
        crossfade_s=0.5,
        soundtrack=sound,
        shots=shots(),
    )
    return replace(draft, **changes)


def page_of(draft: Draft, **more: Any) -> DraftPage:
    """Return the panel's page of a draft, with prices of $0.15 a second."""
    prices = [150_000 * shot.seconds for shot in draft.shots]
    return DraftPage(
        draft=draft,
        prices_microusd=prices,
        microusd=sum(prices) if prices else None,
        problems=problems(draft, seconds_max=120),
        left=left_words(LEFT, sum(prices), may_ask=True, may_chip_in=True),
        may_ask=sum(prices) > LEFT.microusd,
        may_chip_in=sum(prices) > LEFT.microusd,
        **more,
    )


def _asked() -> Panel:
    changes = (Field("You", "$5.00 → **$0.80** left today"), Field("Server", "$38.20 → **$34.00** left this month"))
    return question_panel(page_of(a_draft()), changes, above_microusd=2_000_000, needs_approval=False)


def _moved() -> Panel:
    page = page_of(a_draft())
    return question_panel(page, (), above_microusd=9_000_000, needs_approval=False, before_microusd=3_150_000)


def _broken() -> Panel:
    first, *rest = shots()
    draft = a_draft(shots=(rest[0], first, replace(rest[1], prompt=" "), replace(rest[2], end_picture=None)))
    others = (a_draft(id="e" * 32, shots=shots()[:2]),)
    return draft_panel(page_of(draft, notice="Shot 1 moved down.", others=others))


def _empty() -> Panel:
    return draft_panel(page_of(a_draft(shots=(), soundtrack=None, crossfade_s=0.0)))


PANELS: Mapping[str, Callable[[], Panel]] = {
    "film-empty": _empty,
    "film-draft": lambda: draft_panel(page_of(a_draft())),
    "film-draft-collecting": lambda: draft_panel(page_of(a_draft(), is_collecting=True)),
    "film-draft-broken": _broken,
    "film-shot": lambda: shot_panel(page_of(a_draft()), shots()[3]),
    "film-question": _asked,
    "film-price-moved": _moved,
    "film-delete": lambda: deletion_panel(a_draft()),
    "film-begun": lambda: said_panel(film_panel.BEGUN, FILM),
}


def a_film(job: Job, **changes: Any) -> Film:
    """Return the film of these shots, on this job's message."""
    takes = [
        Take(shot=shot, job_id=f"{n}" * 32, quote_microusd=150_000 * shot.seconds)
        for n, shot in enumerate(shots(), start=1)
    ]
    draft = a_draft()
    film = Film(
        id=FILM,
        resolution=draft.resolution,
        soundtrack=draft.soundtrack,
        crossfade_s=draft.crossfade_s,
        who=Who(guild_id=10, channel_id=20, member_id=50),
        address=job.address,
        takes=tuple(takes),
        state="making",
        created_at=NOW - 200,
        updated_at=NOW,
        ends_at=NOW + 86_400,
    )
    return replace(film, **changes)


def _card(
    a_job: MakeJob, states: Mapping[int, State], lives: Mapping[int, Live] | None = None, **changes: Any
) -> JobCard:
    """Return the card of the film whose shots are in these states, by number; the others are to come."""
    film = a_film(a_job(), **changes)
    jobs: dict[str, Job] = {}
    for number, state in states.items():
        take = film.take(number)
        job = a_job(
            id=take.job_id,
            state=state,
            options={"prompt": take.shot.prompt, "duration": take.shot.seconds, "resolution": "1080p"},
            quote_microusd=take.quote_microusd,
            part=Part(film_id=FILM, shot_id=take.shot.id, number=number, of=5, message_id=30),
        )
        if state == "done":
            posted = PostedVideo(8_400_000, file_name=PARTS_FILE.format(number))
            result = Result(url="https://v3.fal.media/files/a/b.mp4", seed=7, size_bytes=8_400_000)
            job = replace(job, result=result, charged_microusd=take.quote_microusd, posted=posted)
        if state == "failed":
            job = replace(job, failure=Failure(kind="content_policy_violation", status=422), charged_microusd=0)
        jobs[job.id] = job
    by_id = {film.take(number).job_id: live for number, live in (lives or {}).items()}
    return film_card(film, jobs, {FILM: Live(fraction=0.55), **by_id}, now=NOW)


ALL_DONE: Mapping[int, State] = dict.fromkeys(range(1, 6), "done")


def card_scenes(a_job: MakeJob) -> Mapping[str, Callable[[], JobCard]]:
    """Return the cards by their names; `a_job` makes a job with changes."""
    joined = Joined(
        name="joined-x.mp4", job_ids=(), seconds=27.5, size_bytes=9_200_000, width=1920, height=1080, has_sound=True
    )
    posted = PostedVideo(9_200_000, file_name=FILM_FILE)
    return {
        "film-approval": lambda: _card(
            partial(a_job, approve_by=NOW + 3600, approver_role_id=77),
            {1: "waiting"},
            state="waiting",
        ),
        "film-making": lambda: _card(
            a_job,
            {1: "done", 2: "running", 3: "queued"},
            {2: Live(fraction=0.4, typical_s=100), 3: Live(position=2, typical_s=100)},
        ),
        "film-paused": lambda: _card(a_job, {1: "done", 2: "done", 3: "done", 4: "failed"}, state="paused", why="shot"),
        "film-joining": lambda: _card(a_job, ALL_DONE, state="joining"),
        "film-paid-together": lambda: _card(partial(a_job, shares=SHARES), {1: "done", 2: "running"}),
        "film-finished": lambda: _card(a_job, ALL_DONE, state="done", joined=joined, posted=posted),
        "film-too-large": lambda: _card(
            a_job,
            ALL_DONE,
            state="done",
            joined=replace(joined, size_bytes=60_000_000),
            posted=PostedVideo(60_000_000, "too_large"),
        ),
        "film-stopped": lambda: _card(a_job, {1: "done", 2: "cancelled"}, state="cancelled", why="stopped"),
    }


def redo(a_job: MakeJob) -> Card:
    """Return the question before a shot is made again."""
    return redo_card(a_film(a_job()), 1, {"one": 750_000, "rest": 1_500_000})


def retry(a_job: MakeJob) -> Card:
    """Return the question before a shot is tried again at another price than the button said."""
    return retry_card(a_film(a_job()), 4, 750_000, 900_000)
