"""The forms that members have open. discord.py keeps each until it is submitted or times out."""

from typing import Protocol

from bot.bounded import Bounded, Bounds
from bot.requester import Requester


class OpenForm(Protocol):
    """The part of discord.py's Modal that is needed here."""

    custom_id: str

    def stop(self) -> None:
        """Have discord.py forget the form; a later submission is not answered."""

    def is_finished(self) -> bool:
        """Return whether it was submitted, stopped or timed out."""
        ...


class OpenForms:
    """Forms within `bounds`; one too many has an old one forgotten."""

    def __init__(self, bounds: Bounds) -> None:
        self._forms = Bounded[OpenForm](bounds)

    def __len__(self) -> int:
        return len(self._forms)

    def has(self, custom_id: str) -> bool:
        """Return whether discord.py still answers a submission of this form."""
        form = self._forms.get(custom_id)
        return form is not None and not form.is_finished()

    def add(self, form: OpenForm, requester: Requester) -> None:
        """Remember the form; forget those that are finished or too many."""
        for other in self._forms.items():
            if other.is_finished():
                self._forms.pop(other.custom_id)
        for dropped in self._forms.add(form.custom_id, form, requester):
            dropped.stop()
