"""What the driver of films needs of a film's one message, as a protocol; `bot.cards.film_cards` implements it.

The film's shots are jobs, and show their progress through `bot.runner.cards_port`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bot.films.model import Film
from bot.jobs.model import Job, LinkReason, Live
from bot.runner.cards_port import MessageRef, Posted

NOTHING_KNOWN = Live()


class FilmCards(Protocol):
    """A film's one message in its channel."""

    def limit_bytes(self, film: Film, jobs: Mapping[str, Job]) -> int:
        """Return how large a file the message takes now."""
        ...

    def show_film(self, film: Film, jobs: Mapping[str, Job], live: Live = NOTHING_KNOWN) -> None:
        """Show how the film stands soon, and how far its joining is. Never raises, never waits."""
        ...

    async def finish_film(self, film: Film, jobs: Mapping[str, Job]) -> MessageRef | None:
        """Make the message say that somebody has to decide, or how the film ended; post a new one if it is gone.

        Returns once Discord has it, or None if Discord will never take it.

        Raises:
            DiscordBusy: try again later.
        """
        ...

    async def deliver_film(
        self, film: Film, jobs: Mapping[str, Job], path: Path | None, *, reason: LinkReason | None = None
    ) -> Posted:
        """Put the joined video on the message, before its shots. Repeating it changes nothing that people see.

        `path` is None where there is a `reason` why it cannot be attached.

        Raises:
            TooLarge: Discord did not take it for its size.
            DiscordBusy: try again later.
            DeliveryError: it cannot be posted.
        """
        ...
