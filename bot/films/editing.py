"""Changes of a draft; each returns a new draft, whole or not. `bot.films.checks` says what it still lacks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from bot.errors import OptionRefused
from bot.films.model import SHOT_ID_DIGITS, SHOTS_MAX, Draft, Family, Shot
from bot.films.quoting import aspect_ratios, lengths, resolutions

GONE = "This shot isn't in your film any more. Open the film again with `/film`."
Direction: TypeAlias = Literal["up", "down"]


def new_shot_id(draft: Draft, *, random_hex: Callable[[int], str]) -> str:
    """Return an id that no shot of the draft has; `random_hex(n)` is n random bytes in hexadecimal digits."""
    taken = {shot.id for shot in draft.shots}
    while (shot_id := random_hex(SHOT_ID_DIGITS // 2)) in taken:
        pass
    return shot_id


def shot_named(draft: Draft, shot_id: str) -> Shot:
    """Return the shot; raises OptionRefused for one that is gone."""
    return draft.shots[_index(draft, shot_id)]


def number_of(draft: Draft, shot_id: str) -> int:
    """Return the shot's number, from 1; raises OptionRefused for one that is gone."""
    return _index(draft, shot_id) + 1


def with_shot(draft: Draft, shot: Shot) -> Draft:
    """Return the draft with one more shot at its end.

    Raises:
        OptionRefused: it has as many as a film can have.
    """
    if len(draft.shots) >= SHOTS_MAX:
        raise OptionRefused(f"A film has {SHOTS_MAX} shots at most. Remove one to add another.")
    return replace(draft, shots=(*draft.shots, shot))


def changed_shot(draft: Draft, shot_id: str, **changes: Any) -> Draft:
    """Return the draft with these fields of a shot changed; one that was made already is made anew then.

    Raises:
        OptionRefused: the shot is gone.
    """
    at = _index(draft, shot_id)
    before = draft.shots[at]
    after = replace(before, **changes)
    if after == before:
        return draft
    return _with(draft, [*draft.shots[:at], replace(after, made=None), *draft.shots[at + 1 :]])


def moved_shot(draft: Draft, shot_id: str, direction: Direction) -> Draft:
    """Return the draft with the shot one place further up or down, as far as there is a place.

    Raises:
        OptionRefused: the shot is gone.
    """
    at = _index(draft, shot_id)
    to = at + (-1 if direction == "up" else 1)
    if not 0 <= to < len(draft.shots):
        return draft
    shots = list(draft.shots)
    shots[at], shots[to] = shots[to], shots[at]
    return _with(draft, shots)


def without_shot(draft: Draft, shot_id: str) -> Draft:
    """Return the draft without the shot; raises OptionRefused if it is gone already."""
    at = _index(draft, shot_id)
    return _with(draft, [*draft.shots[:at], *draft.shots[at + 1 :]])


def with_family(draft: Draft, family: Family) -> Draft:
    """Return the draft for another family; what that one does not have becomes the nearest thing that it has."""
    changed = replace(draft, family=family)
    resolution = _nearest(changed.resolution, resolutions(changed))
    ratios = aspect_ratios(changed)
    ratio = changed.aspect_ratio if changed.aspect_ratio in ratios or not ratios else ratios[0]
    choices = lengths(changed)
    shots = [
        shot if shot.made else replace(shot, seconds=min(choices, key=lambda one: abs(one - shot.seconds)))
        for shot in draft.shots
    ]
    return replace(changed, resolution=resolution, aspect_ratio=ratio, shots=tuple(shots))


def _nearest(resolution: str, choices: Sequence[str]) -> str:
    if resolution in choices:
        return resolution
    lower = [one for one in choices if _lines(one) <= _lines(resolution)]
    return lower[-1] if lower else choices[0]


def _lines(resolution: str) -> int:
    digits = resolution.removesuffix("p")
    return int(digits) if digits.isdecimal() else 0


def _with(draft: Draft, shots: Sequence[Shot]) -> Draft:
    return replace(draft, shots=tuple(shots))


def _index(draft: Draft, shot_id: str) -> int:
    for index, shot in enumerate(draft.shots):
        if shot.id == shot_id:
            return index
    raise OptionRefused(GONE)
