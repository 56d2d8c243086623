"""What is known of a job only while it runs: its card shows it, and no row has it."""

from dataclasses import replace
from typing import Any

from bot.jobs.model import Job, Live
from bot.runner.cards_port import Cards


class Progress:
    """The progress of the running jobs, by id; that of any other is empty."""

    def __init__(self, cards: Cards) -> None:
        self._cards = cards
        self._live: dict[str, Live] = {}

    def of(self, job_id: str) -> Live:
        """Return the job's progress."""
        return self._live.get(job_id, Live())

    def show(self, job: Job) -> None:
        """Have the card show the job with its progress."""
        self._cards.show(job, self.of(job.id))

    def change(self, job: Job, **known: Any) -> None:
        """Change these parts of the job's progress, and show it."""
        self._live[job.id] = replace(self.of(job.id), **known)
        self.show(job)

    def forget(self, job_id: str) -> None:
        """Forget the progress of a job that runs no more."""
        self._live.pop(job_id, None)
