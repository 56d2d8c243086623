import pytest

from bot import metrics
from bot.net.counted import ANSWERS_MAX, FirstAnswers, discord_kind, fal_kind, outcome_of

QUEUE = "/fal-ai/wan/v2.7/requests/8b5f-11"


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/fal-ai/wan/v2.7/image-to-video", "submit"),
        ("GET", f"{QUEUE}/status/stream", "stream"),
        ("GET", f"{QUEUE}/status", "poll"),
        ("GET", QUEUE, "result"),
        ("PUT", f"{QUEUE}/cancel", "cancel"),
        ("POST", "/storage/upload/initiate", "upload"),
        ("PUT", "/bucket/signed?name=lake.png", "upload"),
        ("GET", "/v1/models/pricing", "price"),
        ("GET", "/.well-known/jwks.json", "keys"),
    ],
)
def test_what_a_request_to_fal_is_for(method: str, path: str, kind: str) -> None:
    """The kind is told by the method and the place in the path, whatever ids are in it."""
    assert fal_kind(method, path) == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v10/interactions/123/aW50ZXJhY3Rpb24/callback", "answer"),
        ("/api/v10/webhooks/123/aW50ZXJhY3Rpb24/messages/456", "followup"),
        ("/api/v10/channels/1/messages/2/reactions/%F0%9F%94%81/@me", "reaction"),
        ("/api/v10/channels/1/messages/2", "message"),
        ("/api/v10/applications/1/guilds/2/commands/permissions", "command"),
        ("/api/v10/users/@me/channels", "direct_message"),
        ("/api/v10/gateway/bot", "other"),
    ],
)
def test_what_a_request_to_discord_is_for(path: str, kind: str) -> None:
    """The kind is a word of the program; ids and tokens in the path are not in it."""
    assert discord_kind(path) == kind


def test_outcomes() -> None:
    """A rate limit is told apart from other refusals."""
    assert [outcome_of(status) for status in (101, 204, 302, 400, 404, 429, 499, 500, 503)] == [
        *("ok", "ok", "ok", "4xx", "4xx", "429", "4xx", "5xx", "5xx"),
    ]


def test_the_first_answer_counts_once() -> None:
    """The time from the interaction until its first answer; a second one, or one nobody saw coming, counts nothing."""
    now = 10.0
    answers = FirstAnswers(lambda: now)

    def total() -> float:
        labels = {"kind": "component"}
        return metrics.REGISTRY.get_sample_value("wanda_first_answer_seconds_sum", labels) or 0.0

    before = total()
    answers.came(1, "component")
    now = 10.25
    for interaction_id in (1, 1, 2):
        answers.answered(interaction_id)
    assert total() - before == 0.25


def test_interactions_without_an_answer_are_forgotten() -> None:
    """What never gets an answer takes a bounded place."""
    answers = FirstAnswers()
    for number in range(ANSWERS_MAX + 50):
        answers.came(number, "component")
    assert len(answers._came) == ANSWERS_MAX
