"""What the runner needs of a job's card, as a protocol; `bot.cards.job_cards` implements it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.jobs.model import Job, LinkReason, Live, PostedVideo


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The message that is the card now."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Posted:
    """The message with the video; `reason` is None, or why it has only fal's link. `video` is what the card holds."""

    ref: MessageRef
    reason: LinkReason | None = None
    video: PostedVideo | None = None


class Cards(Protocol):
    """A job's one message in its channel."""

    def show(self, job: Job, live: Live) -> None:
        """Show this state on the card soon, unless a newer one comes before. Never raises, never waits."""
        ...

    async def ask(self, job: Job, live: Live) -> MessageRef:
        """Make the card ask for approval, or post a new one if it is gone; returns once Discord has it.

        Raises:
            DiscordBusy: try again later.
            DeliveryError: Discord will never take it.
        """
        ...

    async def finish(self, job: Job, live: Live) -> MessageRef | None:
        """Make the card say how a job ended whose video is not on it, or post a new one if it is gone.

        Returns once Discord has it, or None if Discord will never take it.

        Raises:
            DiscordBusy: try again later.
        """
        ...

    async def fetch(self, job: Job) -> LinkReason | None:
        """Download the video and show nothing. Never raises. Returns why there is none, or None."""
        ...

    async def prepare(self, job: Job) -> LinkReason | None:
        """Do what may take minutes before the delivery: download the video and make it fit. Never raises.

        Returns why there is no video to attach, or None.
        """
        ...

    async def deliver(self, job: Job) -> Posted:
        """Put the job's video, or else fal's link to it, on its card, and show no progress after that.

        Repeating it after a crash changes nothing that people see.

        Raises:
            DiscordBusy: try again later.
            DeliveryError: neither the file nor the link could be posted.
        """
        ...

    async def deliver_arriving(self, job: Job, turn: AbstractAsyncContextManager[None]) -> Posted | None:
        """Put the video that `fetch` is downloading on its card while it arrives, in the turn.

        Returns None if that cannot be, or Discord did not take it: call `deliver` once the video is there.
        """
        ...

    async def replace_link(self, job: Job) -> Posted:
        """Put the video on a card that has only fal's link.

        Raises:
            CardGone: somebody deleted the card.
            DeliveryError: the video could not be attached; the card is as it was.
        """
        ...

    async def mail(self, job: Job, *, video_only: bool = False) -> Posted:
        """Send the job's video, or else fal's link unless `video_only`, to its member by direct message.

        Raises:
            DeliveryError: Discord did not take it, as when the member accepts no direct messages.
        """
        ...
