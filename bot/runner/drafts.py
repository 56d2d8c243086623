"""Costly orders that wait for their member's yes. Nothing is held for them, so they need not survive a restart."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bot.catalogue.mode import Mode
from bot.jobs.model import Input
from bot.ledger.model import Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An order with its files copied and checked; `id` becomes the job's. `expires_at` is in Unix seconds."""

    id: str
    who: Who
    mode: Mode
    inputs: tuple[Input, ...]
    expires_at: float
    parent_id: str | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()


class Drafts:
    """At most `most` drafts, and `most_each` of one member; the oldest gives way.

    Whoever takes a draft out owns its files from then on.
    """

    def __init__(self, *, most: int, clock: Callable[[], float], most_each: int = 3) -> None:
        """It is empty."""
        self._most = most
        self._most_each = most_each
        self._clock = clock
        self._kept: OrderedDict[str, Draft] = OrderedDict()

    def keep(self, draft: Draft) -> list[Draft]:
        """Keep it, and return the drafts that are over with now, whose files are to be discarded."""
        self._kept[draft.id] = draft
        self._kept.move_to_end(draft.id)
        over = self.expired()
        own = [one.id for one in self._kept.values() if one.who.member_id == draft.who.member_id]
        over += [self._kept.pop(old) for old in own[: -self._most_each]]
        while len(self._kept) > self._most:
            over.append(self._kept.popitem(last=False)[1])
        return over

    def expired(self) -> list[Draft]:
        """Give up the drafts whose time is over, and return them."""
        return [self._kept.pop(old.id) for old in list(self._kept.values()) if old.expires_at <= self._clock()]

    def all(self) -> list[Draft]:
        """Give up every draft, and return them."""
        every = list(self._kept.values())
        self._kept.clear()
        return every

    def take(self, draft_id: str, *, member_id: int) -> Draft | None:
        """Take it out for its own member, once; None when it is gone, expired or somebody else's."""
        draft = self._kept.get(draft_id)
        if draft is None or draft.who.member_id != member_id or draft.expires_at <= self._clock():
            return None
        del self._kept[draft_id]
        return draft

    def is_asked(self, parent_id: str, member_id: int, trigger: str) -> bool:
        """Whether a question about the member's same rerun of this job still waits for their answer."""
        asked = (parent_id, member_id, trigger)
        now = self._clock()
        return any(
            (draft.parent_id, draft.who.member_id, draft.trigger) == asked and draft.expires_at > now
            for draft in self._kept.values()
        )

    def drop_of(self, member_id: int) -> list[Draft]:
        """Take out every draft of this member; their files are the caller's to discard."""
        return [self._kept.pop(draft.id) for draft in list(self._kept.values()) if draft.who.member_id == member_id]
