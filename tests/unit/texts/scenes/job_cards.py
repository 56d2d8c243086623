"""The card of a job in each of its states, in the style of components."""

from dataclasses import replace
from typing import Any, get_args

from bot.jobs.model import Failure, LinkReason, Live, PostedVideo, Result, Spot
from bot.texts.classic_card import classic_card
from bot.texts.job_card import finished_card, mailed_card, status_card
from bot.texts.layout_texts import layout_texts
from bot.texts.mode_settings import mode_settings_of
from tests.support.job_samples import NOW, PICTURE, a_job
from tests.unit.texts.scenes.scene import Scene, Scenes

RESULT = Result(url="https://v3.fal.media/files/a/b.mp4", seed=42, seconds=5.0, width=1920, height=1080)
AFTER_S = 40.0


def _status(live: Live | None = None, **changed: Any) -> Scene:
    def scene() -> tuple[Any, ...]:
        job = a_job(created_at=NOW - AFTER_S, **changed)
        words = mode_settings_of(job)
        card = status_card(job, live or Live(), now=NOW, mode_title=words.mode_title, settings=words.settings)
        return (layout_texts(card), [button.label for button in card.buttons])

    return scene


def _posted(posted: PostedVideo, *, classic: bool = False, mailed: bool = False, **changed: Any) -> Scene:
    def scene() -> tuple[Any, ...]:
        ended: dict[str, Any] = {"state": "done", "result": RESULT, "charged_microusd": 750_000, "completed_at": NOW}
        job = a_job(**ended | changed)
        words = mode_settings_of(job)
        card = finished_card(job, posted, mode_title=words.mode_title, settings=words.settings)
        card = mailed_card(card, job) if mailed else card
        return (classic_card(card) if classic else layout_texts(card), [button.label for button in card.buttons])

    return scene


def _failed(kind: str, **changed: Any) -> Scene:
    failure = Failure(kind=kind, status=422, **changed.pop("failure", {}))
    return _status(state=changed.pop("state", "failed"), failure=failure, charged_microusd=0, **changed)


_ODD = replace(PICTURE, changes=("TIFF saved as PNG",))
REASONS: tuple[LinkReason, ...] = get_args(LinkReason)
_TRYING = {"result": RESULT, "completed_at": NOW, "late_at": NOW + 60}

SCENES: Scenes = {
    "getting ready": _status(),
    "uploading": _status(Live(step="uploading")),
    "fal's account is locked": _status(Live(step="account locked")),
    "sending": _status(state="submitting"),
    "sent, no place yet": _status(state="queued"),
    "third in line": _status(Live(position=2, typical_s=60.0), state="queued"),
    "next in line": _status(Live(position=0), state="queued"),
    "being made": _status(Live(fraction=0.4, typical_s=70.0), state="running", started_at=NOW - 30),
    "being made, nothing known": _status(state="running", started_at=NOW - 30),
    "being made, longer than usual": _status(Live(typical_s=20.0), state="running", started_at=NOW - 30),
    "getting the video": _status(state="fetching", result=RESULT),
    "fal does not hand it over": _status(Live(step="fal is silent"), state="fetching", result=RESULT),
    "making it fit": _status(Live(step="making it fit", fraction=0.5), state="delivering", result=RESULT),
    "posting": _status(state="delivering", result=RESULT),
    "waiting for approval": _status(state="waiting", approve_by=NOW + 3600, approver_role_id=8),
    "done": _posted(PostedVideo(900_000, file_name="wanda.mp4")),
    "done, classic": _posted(PostedVideo(900_000, file_name="wanda.mp4"), classic=True),
    "done, made smaller": _posted(
        PostedVideo(900_000, limit_bytes=10 << 20, pixels=(1280, 720), file_name="wanda.mp4")
    ),
    "done, a file made to fit": _posted(PostedVideo(900_000, file_name="wanda.mp4"), inputs=(_ODD,)),
    "done, rewritten": _posted(
        PostedVideo(900_000, file_name="wanda.mp4"), result=replace(RESULT, actual_prompt="a lake at dusk, slow pan")
    ),
    "done, rerun by a reaction": _posted(
        PostedVideo(900_000, file_name="wanda.mp4"), trigger="react:🔁", parent_id="p", parent_at=Spot(1, 20, 30)
    ),
    "done, by direct message": _posted(PostedVideo(900_000, file_name="wanda.mp4"), mailed=True),
    **{
        f"only a link: {reason}": _posted(PostedVideo(26_000_000, reason, 10 << 20), late_at=NOW + 60)
        for reason in REASONS
    },
    "failed": _failed("content_policy_violation", failure={"location": ("body", "prompt")}),
    "failed, the server paid": _failed("generation_timeout", failure={"billed": "maybe", "absorbed_microusd": 750_000}),
    "failed, money kept aside": _failed("generation_timeout", failure={"billed": "maybe", "held_microusd": 750_000}),
    "declined": _failed("declined", state="cancelled"),
    "cancelled": _status(state="cancelled", charged_microusd=0),
    "uncertain": _failed("lost", state="uncertain"),
    "made, reached nobody": _failed("undeliverable", **_TRYING),
    "made, does not play": _failed("unplayable", **_TRYING),
}
