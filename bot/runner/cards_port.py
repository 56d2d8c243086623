"""What the runner needs of a job's card, as a protocol; `bot.cards.job_cards` implements it."""

from dataclasses import dataclass
from typing import Protocol

from bot.jobs.model import Job, Left, Live


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The message that is the card now."""

    channel_id: int
    message_id: int


class Cards(Protocol):
    """A job's one message in its channel."""

    def show(self, job: Job, live: Live, left: Left | None) -> None:
        """Show this state on the card soon, unless a newer one comes before. Never raises, never waits."""
        ...

    async def ask(self, job: Job, live: Live, left: Left | None) -> MessageRef:
        """Make the card ask for approval, or post a new one if it is gone; returns once Discord has it.

        Raises:
            DiscordBusy: try again later.
            DeliveryError: Discord will never take it.
        """
        ...

    async def finish(self, job: Job, live: Live, left: Left | None) -> None:
        """Make the card say how a job without a video ended; returns once Discord has the edit, or will never take it.

        Raises:
            DiscordBusy: try again later.
        """
        ...

    async def prepare(self, job: Job, left: Left | None) -> None:
        """Do what may take minutes before the delivery: download the video and make it fit. Never raises."""
        ...

    async def deliver(self, job: Job, left: Left | None) -> MessageRef:
        """Put the job's video, or else fal's link to it, on its card, and show no progress after that.

        Repeating it after a crash changes nothing that people see.

        Raises:
            DiscordBusy: try again later.
            DeliveryError: neither the file nor the link could be posted.
        """
        ...
