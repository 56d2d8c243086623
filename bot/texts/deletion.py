"""What people read before a video is deleted, and after."""

from bot.texts.button_ids import deletion_button_id
from bot.texts.card import Button

QUESTION = "Delete this video for everyone? It can't be brought back."
DELETED = "The video is deleted. What it cost stays in the books; fal removes its own copy after about 7 days."
KEPT = "The video stays."
MAY_NOT_DELETE = (
    "Only the member who asked for this video, or somebody who may manage messages here, can delete it. "
    "Ask one of them."
)
NOT_DELETED = "Discord did not let Wanda delete the video. Try again in a moment, or delete the message yourself."


def deletion_buttons(job_id: str) -> tuple[Button, ...]:
    """Return the buttons below the private question."""
    return (
        Button("Delete it", "danger", deletion_button_id("yes", job_id)),
        Button("Keep it", "secondary", deletion_button_id("no", job_id)),
    )


def deleted_soon(member_id: int, at: float) -> str:
    """Return the short-lived message after ❌: the video goes at this time unless the reaction is taken back."""
    return f"<@{member_id}>, this video is deleted <t:{int(at)}:R>. Take your ❌ back to keep it."
