"""What the runner needs of the world above it, as protocols: `bot.delivery` implements them."""

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.jobs.model import Job, Left, Live


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredCard:
    """How the result reached the channel; `message_id` is the message that holds it now."""

    as_: Literal["attachment", "link"]
    message_id: int
    channel_id: int
    size_bytes: int | None


class Cards(Protocol):
    """A job's one message in the channel."""

    def show(self, job: Job, live: Live, left: Left | None) -> None:
        """Have the card say this soon: paced, only on change, the newest state wins. Never raises, never waits."""
        ...

    async def finish(self, job: Job, live: Live, left: Left | None) -> None:
        """Make the card say how an unsuccessful job ended; returns once Discord has it, or will never take it.

        Raises:
            DiscordBusy: not this time.
        """
        ...

    async def prepare(self, job: Job, left: Left | None) -> None:
        """Do beforehand what may take minutes: the download, and making the video fit where it goes. Never raises."""
        ...

    async def deliver(self, job: Job, left: Left | None) -> DeliveredCard:
        """Put the job's video on its card: downloads the result to disk, uploads it from disk, and ends the progress.

        Doing it again after a crash changes nothing that people see.

        Raises:
            DeliveryError: neither the file nor the link could be posted.
        """
        ...
