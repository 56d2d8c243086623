"""What people read before a video is deleted, and after."""

from bot.texts.button_ids import deletion_button_id
from bot.texts.card import Button

QUESTION = "Delete this video for everyone? It can't be brought back."
DELETED = "Deleted. What it cost still counts, and fal removes its copy in about 7 days."
KEPT = "The video stays."
MAY_NOT_DELETE = "Only its maker or a moderator can delete this video. Ask one of them."
NOT_DELETED = "Discord didn't let Wanda delete the video. Try again in a moment, or delete the message yourself."


def deletion_buttons(job_id: str) -> tuple[Button, ...]:
    """Return the buttons below the private question."""
    return (
        Button("Delete it", "danger", deletion_button_id("yes", job_id)),
        Button("Keep it", "secondary", deletion_button_id("no", job_id)),
    )


def deleted_soon(member_id: int, at: float) -> str:
    """Return the short-lived message after ❌: the video goes at this time unless the reaction is taken back."""
    return f"<@{member_id}>, this video will be deleted <t:{int(at)}:R>. Take your ❌ back to keep it."
