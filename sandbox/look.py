"""`make look`: draws every kind of message as Discord shows it, dark and light, into build/look.

Each scene is a page of HTML, and a picture of it where Chromium is installed. Whoever makes a new kind of message adds
a scene to `SCENES`. The messages are made of the program's own cards, without a bot or a database.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

from PIL import Image, ImageChops

from bot.card_style import CardStyle
from bot.cards.embeds import to_embed, to_view
from bot.cards.layouts import to_layout
from bot.drawing.pictures import png
from bot.jobs.model import Address, Failure, Final, Input, Job, Live, PostedVideo, Result, Spot, State, Variation
from bot.jobs.picks import Pick
from bot.ledger.model import Rule
from bot.texts import finished, job_card, set_card
from bot.texts.card import Card, JobCard
from bot.texts.classic_card import classic_card
from bot.texts.draft_pick import Picking
from bot.texts.help import HelpPage
from bot.texts.jobs import ANY, JobsPage, jobs_card
from bot.texts.mode_settings import mode_settings_of
from bot.texts.panel import Panel
from bot.texts.setup_rules import Page
from bot.texts.waiting import WaitingPage, waiting_panel
from sandbox import look_admin, look_chip_in, look_film, look_forms, look_member
from sandbox.demo import draw_landscape
from sandbox.message_page import Message, Reader, Theme, card_html

ROOT = Path(__file__).resolve().parent.parent
LOOK = ROOT / "build" / "look"
THEMES: tuple[Theme, ...] = get_args(Theme)
WIDTH, HEIGHT_MAX = 700, 2200
NOW = 1_795_000_000.0
NAMES = {"50": "maker", "51": "friend", "20": "general", "77": "Directors", "52": "نور", "53": "小林 🎬"}
PROMPT = "The sun sets behind the hills, and light dances on the lake; slow pan to the left."
VIDEO = "wanda-wan27-image-7.mp4"
PICTURE = Input(
    option="image",
    path="inputs/x/image.png",
    file_name="lake.png",
    kind="image",
    format="png",
    size_bytes=900_000,
    width=1280,
    height=720,
)
RESULT = Result(url="https://v3.fal.media/files/a/b.mp4", seed=7, size_bytes=8_400_000, width=1920, height=1080)


@dataclass(frozen=True, slots=True)
class Scene:
    """A page of messages under a file name."""

    name: str
    messages: Callable[[], Sequence[Message]]


def a_job(**changes: Any) -> Job:
    """Return an accepted job of maker with one attached picture."""
    address = Address(
        channel_id=20,
        message_id=30,
        application_id=40,
        token="",
        token_expires_at=0.0,
        size_limit_bytes=10 * 1024 * 1024,
        posted_at=NOW,
        style="components",
    )
    job = Job(
        id="0192f3a4b5c6d7e8f90123456789abcd",
        guild_id=10,
        member_id=50,
        mode="wan27-image",
        options={"prompt": PROMPT, "resolution": "1080p", "duration": 5},
        inputs=(PICTURE,),
        quote_microusd=750_000,
        formula="5 s × $0.15",
        prices_version="1",
        similar="wan27-image:1080p:5",
        state="accepted",
        created_at=NOW - 40,
        started_at=NOW - 30,
        updated_at=NOW,
        address=address,
    )
    return replace(job, **changes)


def waiting(live: Live | None = None, **changes: Any) -> JobCard:
    """Return the card of a job that has no video."""
    job = a_job(**changes)
    words = mode_settings_of(job)
    return job_card.status_card(job, live or Live(), now=NOW, mode_title=words.mode_title, settings=words.settings)


def done(posted: PostedVideo | None = None, **changes: Any) -> JobCard:
    """Return the card of a finished video."""
    ended = {"state": "done", "result": RESULT, "charged_microusd": 750_000, "completed_at": NOW + 60}
    job, words = a_job(**{**ended, **changes}), mode_settings_of(a_job(**changes))
    how = posted or PostedVideo(8_400_000, file_name=VIDEO)
    return job_card.finished_card(job, how, mode_title=words.mode_title, settings=words.settings)


def message_of(card: JobCard | Card, style: CardStyle = "components", *, private: bool = False) -> Message:
    """Return the card as a message of the stand-in; must be called in a running event loop."""
    head = {"id": "30", "author": "Wanda", "created_at": "2026-11-18T10:26:40+00:00"}
    only = {"ephemeral_for": "maker"} if private else {}
    if isinstance(card, JobCard) and style == "components":
        return {**head, **only, "flags": 1 << 15, "components": to_layout(card).to_components()}
    plain = classic_card(card) if isinstance(card, JobCard) else card
    view = to_view(plain)
    videos = [item for item in card.media if item.what == "video"] if isinstance(card, JobCard) else []
    return {
        **head,
        **only,
        "content": plain.content,
        "embeds": [to_embed(plain).to_dict()],
        "components": [] if view is None else view.to_components(),
        "attachments": [{"filename": VIDEO, "content_type": "video/mp4"} for _ in videos],
    }


Cards: TypeAlias = Callable[[], JobCard]
PARENT: dict[str, Any] = {"parent_id": "p", "parent_at": Spot(10, 20, 29)}
CLIP = Input(
    option="video",
    path="inputs/x/video.mp4",
    file_name="boat.mp4",
    kind="video",
    format="mp4",
    size_bytes=4_000_000,
    seconds=10.0,
    changes=("trimmed from 14 s to 10 s",),
)
CHANGED: dict[str, Any] = {
    "mode": "wan27-edit",
    "options": {"prompt": "Make it night, with a full moon over the lake.", "resolution": "720p", "duration": 0},
    "inputs": (CLIP,),
    "quote_microusd": 1_000_000,
    "formula": "10 s × $0.10",
}
FROM_WORDS: dict[str, Any] = {
    "mode": "wan27-text",
    "options": {"prompt": PROMPT, "resolution": "720p", "duration": 5, "aspect_ratio": "9:16"},
    "inputs": (),
    "quote_microusd": 500_000,
    "formula": "5 s × $0.10",
}
FIXED = replace(PICTURE, changes=("scaled from 9000 × 4000 to 7680 × 3413",))
JOB_CARDS: dict[str, Cards] = {
    "getting-ready": waiting,
    "sent": lambda: waiting(state="queued"),
    "queued": lambda: waiting(Live(position=3, typical_s=120), state="queued"),
    "filming": lambda: waiting(Live(typical_s=120), state="running"),
    "filming-late": lambda: waiting(Live(typical_s=20), state="running"),
    "fitting": lambda: waiting(Live(step="making it fit", fraction=0.4), state="delivering"),
    "approval": lambda: waiting(state="waiting", approve_by=NOW + 3600, approver_role_id=77),
    "finished": done,
    "finished-rerun": lambda: done(**PARENT, trigger="react:🔁", member_id=51),
    "finished-edited": lambda: done(**PARENT, trigger="button:edit:x", inputs=(FIXED,)),
    "finished-spoiler": lambda: done(inputs=(replace(PICTURE, is_spoiler=True),)),
    "finished-smaller": lambda: done(
        PostedVideo(9_900_000, limit_bytes=10 * 1024 * 1024, pixels=(1280, 720), file_name=VIDEO)
    ),
    "from-words": lambda: waiting(Live(typical_s=120), state="running", **FROM_WORDS),
    "finished-changed": lambda: done(**PARENT, **CHANGED, trigger="button:change:x", charged_microusd=1_000_000),
    "link": lambda: done(PostedVideo(26_214_400, "too_large", 10 * 1024 * 1024)),
    "failed": lambda: waiting(
        state="failed", charged_microusd=0, failure=Failure(kind="content_policy_violation", status=422)
    ),
    "cancelled": lambda: waiting(state="cancelled", charged_microusd=0),
    "uncertain": lambda: waiting(state="uncertain", charged_microusd=0, failure=Failure(kind="lost")),
}


def _job_scene(name: str, card: Cards, style: CardStyle) -> Scene:
    return Scene(f"card-{name}" if style == "components" else f"classic-{name}", lambda: [message_of(card(), style)])


def one_of_four(number: int, state: State, **changes: Any) -> Job:
    """Return one of four variations."""
    job = a_job(state=state, **changes)
    place = Variation(set_id="a" * 32, number=number, of=4, message_id=job.address.message_id)
    return replace(job, options={**job.options, "seed": 6 + number, "resolution": "720p"}, variation=place)


def variations(*, ended: bool) -> JobCard:
    """Return the card of four variations, of which the last failed."""
    made = {"result": RESULT, "charged_microusd": 750_000, "posted": PostedVideo(8_400_000, file_name=VIDEO)}
    failure = Failure(kind="content_policy_violation", status=422)
    failed = one_of_four(4, "failed", failure=failure, charged_microusd=0)
    others = [one_of_four(2, "running", started_at=NOW - 20), one_of_four(3, "queued")]
    if ended:
        others = [one_of_four(number, "done", **made) for number in (2, 3)]
    jobs = [one_of_four(1, "done", **made), *others, failed]
    words, lives = mode_settings_of(jobs[0]), {2: Live(fraction=0.4), 3: Live(position=2)}
    finals = {1: 1_125_000, 2: 1_125_000, 3: 1_125_000}
    return set_card.set_card(
        jobs, lives, now=NOW, mode_title=words.mode_title, settings=words.settings, finals_microusd=finals
    )


FINAL = Final(resolution="1080p", quote_microusd=750_000)
A_PICK = Pick(
    set_id="a" * 32,
    final_id="b" * 32,
    guild_id=10,
    member_id=50,
    final=FINAL,
    formula="5 s × $0.15",
    prices_version="1",
    ordered_at=NOW,
)


def drafts(*, made: bool = True, votes: Mapping[int, int] | None = None, **changes: Any) -> JobCard:
    """Return the card of three drafts and the pick among them."""
    ready = {"result": RESULT, "charged_microusd": 500_000, "posted": PostedVideo(8_400_000, file_name=VIDEO)}
    jobs = [one_of_four(number, "done", **ready) for number in (1, 2, 3)]
    if not made:
        jobs[1:] = [one_of_four(2, "running", started_at=NOW - 20), one_of_four(3, "queued")]
    jobs = [replace(job, quote_microusd=500_000, variation=_of_drafts(job)) for job in jobs]
    words, lives = mode_settings_of(jobs[0]), {2: Live(fraction=0.4), 3: Live(position=2)}
    picking = Picking(replace(A_PICK, **changes), votes or {}, a_job())
    return set_card.set_card(
        jobs, lives, now=NOW, mode_title=words.mode_title, settings=words.settings, picking=picking
    )


def _of_drafts(job: Job) -> Variation:
    return replace(set_card.place_of(job), of=3, final=FINAL)


DRAFTS: dict[str, Cards] = {
    "filming": lambda: drafts(made=False),
    "open": lambda: drafts(state="open", until=NOW + 86_400),
    "voting": lambda: drafts(state="voting", until=NOW + 3600, has_voted=True, votes={1: 1, 2: 3}),
    "picked": lambda: drafts(state="made", number=2),
    "none": lambda: drafts(state="over", why="none"),
}


def waiting_list() -> Panel:
    """Return the list of two orders that await approval, one of them of four variations."""
    waits = {"state": "waiting", "approve_by": NOW + 40_000}
    orders = ([a_job(**waits)], [replace(one_of_four(n, "waiting"), approve_by=NOW + 80_000) for n in range(1, 5)])
    return waiting_panel(WaitingPage(orders=orders, count=2, after="", next=None), reader_id=1)


def _panel_scene(name: str, panel: Callable[[], Panel]) -> Scene:
    return Scene(name, lambda: [look_admin.panel_message(panel())])


def _setup_scene(name: str, page: Page, rules: Sequence[Rule]) -> Scene:
    return _panel_scene(f"setup-{name}", lambda: look_admin.setup_page(page, rules))


def _admin_scenes() -> tuple[Scene, ...]:
    charts = look_admin.report_charts
    return (
        *(_setup_scene(page, page, look_admin.GROWN) for page in look_admin.PAGES),
        *(_setup_scene(f"new-{page}", page, ()) for page in ("home", "template")),
        _panel_scene("rehearsal", look_admin.rehearsal),
        _panel_scene("waiting", waiting_list),
        Scene("report", lambda: [look_admin.report_message(look_admin.a_report(), list(charts()))]),
        Scene("report-empty", lambda: [look_admin.report_message(look_admin.empty_report(), ())]),
    )


def _help_message(page: HelpPage) -> Message:
    message = message_of(page.card, private=True)
    if page.picture is not None:
        message["embeds"][0]["image"] = {"url": f"attachment://{page.picture}"}
    return message


def _help_scene(name: str) -> Scene:
    return Scene(f"help-{name.replace(' ', '-')}", lambda: [_help_message(look_member.help_page(name))])


def _card_scene(name: str, card: Callable[[], Card]) -> Scene:
    return Scene(name, lambda: [message_of(card(), private=True)])


def a_list() -> Card:
    """Return the list of a member's videos, one in each state that a list shows."""
    ended: dict[str, Any] = {"result": RESULT, "charged_microusd": 750_000}
    states: tuple[State, ...] = ("running", "queued", "waiting", "failed", "cancelled")
    jobs = [a_job(state="done", **ended), *(a_job(state=state, created_at=NOW - 3600) for state in states)]
    return jobs_card(JobsPage(mode=ANY, filter=ANY, cursor="", older="x"), jobs)


def _member_scenes() -> tuple[Scene, ...]:
    return (
        *(_help_scene(name) for name in look_member.HELP_PAGES),
        *(_card_scene(name, card) for name, card in look_member.CARDS.items()),
        _card_scene("jobs", a_list),
        _panel_scene("settings", look_member.own_settings),
    )


def _film_scenes() -> tuple[Scene, ...]:
    cards = look_film.card_scenes(a_job)
    return (
        *(_panel_scene(name, panel) for name, panel in look_film.PANELS.items()),
        *(_job_scene(name, card, "components") for name, card in cards.items()),
        _job_scene("film-finished", cards["film-finished"], "classic"),
        _card_scene("film-redo", lambda: look_film.redo(a_job)),
        _card_scene("film-retry", lambda: look_film.retry(a_job)),
        *(_panel_scene(name, form) for name, form in look_forms.forms(a_job).items()),
    )


def _chip_in_scenes() -> tuple[Scene, ...]:
    def paid_together() -> JobCard:
        return done(PostedVideo(8_400_000, file_name=VIDEO), shares=look_chip_in.SHARES)

    cards = look_chip_in.cards(a_job)
    return (
        *(Scene(name, lambda card=card: [message_of(card())]) for name, card in cards.items()),
        _card_scene("chip-in-question", lambda: look_chip_in.question(a_job)),
        _job_scene("paid-together", paid_together, "components"),
    )


SCENES: tuple[Scene, ...] = (
    *_film_scenes(),
    *_chip_in_scenes(),
    *_admin_scenes(),
    *_member_scenes(),
    _job_scene("variations-filming", lambda: variations(ended=False), "components"),
    _job_scene("variations", lambda: variations(ended=True), "components"),
    _job_scene("variations", lambda: variations(ended=True), "classic"),
    *(_job_scene(f"drafts-{name}", card, "components") for name, card in DRAFTS.items()),
    _job_scene("drafts-open", DRAFTS["open"], "classic"),
    *(_job_scene(name, card, "components") for name, card in JOB_CARDS.items()),
    *(_job_scene(name, JOB_CARDS[name], "classic") for name in ("filming", "finished", "failed")),
    Scene(
        "more",
        lambda: [
            message_of(
                finished.more_card(a_job(state="done", result=RESULT), {"720p": 500_000, "1080p": 750_000}),
                private=True,
            )
        ],
    ),
)


async def draw_scenes(only: str = "") -> list[Path]:
    """Write the page of each scene whose name contains `only`, and return the pages."""
    media = LOOK / "media"
    await asyncio.to_thread(_prepare, media)
    pages: list[Path] = []
    for scene in SCENES:
        if only in scene.name:
            messages = scene.messages()
            for theme in THEMES:
                page = LOOK / f"{scene.name}-{theme}.html"
                html = card_html(messages, media, Reader(names=NAMES, now=NOW, theme=theme))
                await asyncio.to_thread(page.write_text, html, "utf-8")
                pages.append(page)
    return pages


def _prepare(media: Path) -> None:
    media.mkdir(parents=True, exist_ok=True)
    landscape = draw_landscape()
    parts = [look_film.PARTS_FILE.format(number) for number in range(1, 6)]
    for name in (
        *(f"{part}.png" for part in (*parts, look_film.FILM_FILE)),
        f"{VIDEO}.png",
        f"SPOILER_{VIDEO}.png",
        "preview-image.jpg",
        "b.mp4.png",
    ):
        (media / name).write_bytes(landscape)
    for picture in look_member.HELP_PICTURES.iterdir():
        shutil.copyfile(picture, media / picture.name)
    for name, chart in look_admin.report_charts().items():
        (media / name).write_bytes(png(chart))


def picture_of(page: Path, chromium: str) -> Path:
    """Draw the page with Chromium, cut off the empty ground below, and return the picture."""
    target = page.with_suffix(".png")
    command = [
        *(chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"),
        *(f"--window-size={WIDTH},{HEIGHT_MAX}", f"--screenshot={target}", page.as_uri()),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603 - our own page
    with Image.open(target) as shot:
        picture = shot.convert("RGB")
    ground = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, ground).getbbox() or (0, 0, WIDTH, 1)
    picture.crop((0, 0, picture.width, min(picture.height, box[3] + 16))).save(target)
    return target


def look(only: str = "") -> int:
    """Draw the scenes; returns the exit status."""
    pages = asyncio.run(draw_scenes(only))
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print(f"{len(pages)} pages in {LOOK}; install Chromium to have pictures of them, too.", file=sys.stderr)
        return 0
    for page in pages:
        picture_of(page, chromium)
    print(f"{len(pages)} pages and pictures in {LOOK}")
    return 0
