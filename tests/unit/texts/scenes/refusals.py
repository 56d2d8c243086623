"""Every kind of refusal: of the server's rules, of options, of files, of places."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.catalogue import registry
from bot.catalogue.limits import check_media
from bot.catalogue.registry import MODE_TITLES
from bot.jobs import recipe
from bot.jobs.approval import check_may_decide
from bot.jobs.places import FileBounds, WaitingFiles, check_files
from bot.ledger import terms as policy
from bot.ledger.decision import decide
from bot.ledger.model import Fruitless, Limit, Rule, RuleQuery, Shipped, Source, Standing, View, Who, WindowKind
from bot.ledger.refusals import budget_refusal
from bot.ledger.rule_values import checked
from bot.ledger.typed_amount import typed_amount
from bot.ledger.windows import window, zone
from bot.media.probe import Facts
from bot.media.rules.encode_time import check_encode_time
from bot.media.rules.needs import too_odd, two_lengths
from bot.media_spec import MediaSpec
from bot.units import MB
from tests.support.catalogue_samples import attached, request
from tests.support.job_samples import NOW, a_job
from tests.unit.texts.scenes.scene import Scene, Scenes, refused

USD = 1_000_000
SHIPPED = Shipped(member_daily_microusd=5 * USD, server_monthly_microusd=50 * USD)
WHO = Who(guild_id=7, channel_id=9, member_id=42, role_ids=(3,))
PICTURE = MediaSpec(
    kind="image",
    subject="Wan 2.7 takes pictures",
    formats=("jpeg", "png"),
    bytes_max=20 * MB,
    side_min=240,
    side_max=8000,
    aspect_max=8,
)
CLIP = MediaSpec(
    kind="video", subject="Wan 2.7 continues clips", formats=("mp4",), bytes_max=MB, seconds_min=2, seconds_max=10
)
SHOT = Facts(kind="video", format="mp4", size_bytes=MB, width=640, height=480, seconds=5.0, codec="h264")
PHOTO = Facts(kind="image", format="png", size_bytes=MB, width=640, height=480, codec="png")


def _view(*rules: tuple[str, str, Any], shipped: Shipped = SHIPPED, **others: Any) -> View:
    found = policy.terms([Rule(*rule) for rule in rules], WHO, now=NOW, shipped=shipped)
    view = View(terms=found, standings=tuple(Standing(one, 0, 0) for one in found.limits), open_jobs=0)
    return replace(view, **others)


def _ruled(*rules: tuple[str, str, Any], **others: Any) -> Scene:
    query = RuleQuery(mode="wan27-image", resolution="1080p", mode_titles=MODE_TITLES)
    return refused(lambda: decide(_view(*rules, **others), amount_microusd=750_000, query=query))


def _short(scope: str, kind: WindowKind, cap: int, spent: int, *, granted: int = 0) -> Scene:
    tz = zone("Europe/Berlin")
    assert tz is not None
    limit = Limit(scope, window(kind, tz, NOW), cap, Source.of("server", "this server's default"))
    standing = Standing(limit, 0, spent)
    return lambda: budget_refusal(standing, 750_000, granted_microusd=granted)


def _waiting(size: int, mine: int, server: int) -> Scene:
    bounds = FileBounds(of_member_bytes=300 * MB, in_server_bytes=2000 * MB)
    others = WaitingFiles(of_member_bytes=mine * MB, in_server_bytes=server * MB)
    return refused(lambda: check_files(size * MB, others, bounds))


def _decides(**changed: Any) -> Scene:
    asked: dict[str, Any] = {"member_id": 9, "role_ids": (), "manages": False, "approve": True}
    return refused(lambda: check_may_decide(a_job(state="waiting"), _view().terms, **(asked | changed)))


def _options(mode_id: str, *files: str, **options: Any) -> Scene:
    return refused(lambda: request(mode_id, *files, **options))


def _media(spec: MediaSpec, facts: Facts, this: str) -> Scene:
    return refused(lambda: check_media(spec, facts, this=this))


def _rule(name: str, value: Any) -> Scene:
    return refused(lambda: checked("server", name, value))


def _typed(text: str) -> Callable[[], int]:
    return lambda: typed_amount(text)


_RULES: Scenes = {
    "the operator's list": _ruled(shipped=replace(SHIPPED, allowed_servers=frozenset({1}))),
    "blocked": _ruled(("member:42", "blocked", "spam")),
    "paused": _ruled(("server", "paused", "we move house")),
    "channel closed": _ruled(("channel:9", "access", "deny")),
    "mode not allowed": _ruled(("server", "modes", ["wan21-image", "wan25-image"])),
    "resolution not allowed": _ruled(("role:3", "resolutions", ["480p", "720p"])),
    "dearer than the ceiling": _ruled(("server", "ceiling", USD // 2)),
    "too many at once": _ruled(("server", "at_once", 1), open_jobs=1),
    "too many fruitless": _ruled(fruitless=Fruitless(count=3, last_at=NOW), waits_until=NOW + 300),
}
_BUDGETS: Scenes = {
    "your day": _short("member:7:42", "day", 5 * USD, 4_600_000),
    "your day, with a grant": _short("member:7:42", "day", 5 * USD, 4_600_000, granted=200_000),
    "your week, used up": _short("member:7:42", "week", 5 * USD, 5 * USD),
    "your budget for ever": _short("member:7:42", "ever", 5 * USD, 5 * USD),
    "no budget at all": _short("member:7:42", "day", 0, 0),
    "more than the whole budget": _short("member:7:42", "day", USD // 2, 0),
    "the server's month": _short("server:7", "month", 50 * USD, 49_600_000),
    "the role's month": _short("role:7:3", "month", 50 * USD, 49_600_000),
    "the channel's day": _short("channel:7:9", "day", 5 * USD, 4_600_000),
    "the operator's cap": _short("cap:7", "month", 50 * USD, 49_600_000),
}
_OPTIONS: Scenes = {
    "a number out of range": _options("wan27-image", duration=40),
    "not one of the choices": _options("wan27-image", resolution="4k"),
    "a prompt too long": _options("wan27-image", prompt="x" * 6000),
    "a picture beside a clip": _options("wan27-image", "image", "video"),
    "an end image alone": _options("wan27-image", "end_image"),
    "no reference": refused(lambda: registry.build("wan27-reference", {"prompt": "x"}, {})),
    "too many references": _options("wan27-reference", *(f"image{n}" for n in range(1, 6)), "video1", prompt="x"),
    "a required file": refused(lambda: registry.build("wan25-image", {"prompt": "x"}, {})),
    "a required prompt": refused(lambda: registry.build("wan25-image", {}, attached("image"))),
    "an unknown mode": refused(lambda: registry.by_id("wan99-image")),
}
_FILES: Scenes = {
    "another kind of file": _media(PICTURE, SHOT, "This picture"),
    "too many bytes": _media(PICTURE, replace(PHOTO, size_bytes=24_100_000), "This picture"),
    "too small": _media(PICTURE, replace(PHOTO, width=120), "This picture"),
    "too long and thin": _media(PICTURE, replace(PHOTO, width=6400), "This picture"),
    "another format": _media(PICTURE, replace(PHOTO, format="tiff"), "This picture"),
    "too long": _media(CLIP, replace(SHOT, seconds=14.2), "This clip"),
    "too short": _media(CLIP, replace(SHOT, seconds=1.4), "The clip in video2"),
    "no length": _media(CLIP, replace(SHOT, seconds=None), "This clip"),
    "two lengths": lambda: two_lengths(replace(SHOT, longest_s=20.0)),
    "odd": lambda: too_odd(SHOT),
    "slow to encode": refused(
        lambda: check_encode_time(
            pixels=(3840, 2160), frames=2400, kept_s=10, written=(3840, 2160), mpixels_per_s=100, limit_s=150
        )
    ),
}
_PLACES: Scenes = {
    "files too large together": _waiting(301, 0, 0),
    "my files wait": _waiting(40, 280, 280),
    "the server's files wait": _waiting(40, 0, 1980),
    "may not decide": _decides(),
    "may not decide on my own": _decides(member_id=a_job().member_id, manages=True),
}
_TYPED: Scenes = {
    **{f"the amount {text}": refused(_typed(text)) for text in ("-5", "five", "5.1234567", "9999999999")},
    "no such timezone": _rule("timezone", "Mars/Olympus"),
    "too many at once to set": _rule("at_once", 0),
    "a large recipe": refused(lambda: recipe.read_recipe(b"x" * 70_000)),
    "no recipe": refused(lambda: recipe.read_recipe(b"{}")),
}
SCENES: Scenes = _RULES | _BUDGETS | _OPTIONS | _FILES | _PLACES | _TYPED
