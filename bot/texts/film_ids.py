"""The custom ids of a film's buttons and selects, by the rules of `bot.texts.button_ids`."""

from typing import Literal, TypeAlias, get_args

from bot.texts.button_ids import PREFIX

_ID, _SHOT = "[0-9a-f]{32}", "[0-9a-f]{8}"
_PRICE = r"(?P<price>(?::\d{1,12})?)"  # that stands on the button, in micro-dollars; buttons of old have none

DraftAction: TypeAlias = Literal[
    "home",  # all shots
    "add",
    "open",  # one shot
    "edit",
    "up",
    "down",
    "remove",
    "bare",  # the shot without its pictures
    "look",  # the form of what all shots have in common
    "mute",  # the film without its soundtrack
    "make",
    "sure",
    "ask",  # asks the admins for what is missing of the price
    "chip",  # asks what the member adds themself, and lets others add the rest
    "drop",  # asks whether to delete the draft
    "gone",
    "new",
]
FilmAction: TypeAlias = Literal["stop", "retry", "edit", "skip", "finish", "continue", "recipe"]
RedoHow: TypeAlias = Literal["seed", "edit"]
RedoWhat: TypeAlias = Literal["one", "rest"]


def _price(microusd: int | None) -> str:
    return "" if microusd is None else f":{microusd}"


def shown_microusd(price: str) -> int | None:
    """Return the price that stood on a button, from its id's part `price`; None if none did."""
    return int(price[1:]) if price else None


def draft_button_id(action: DraftAction, draft_id: str, shot_id: str = "", *, microusd: int | None = None) -> str:
    """Return the id of a button of a draft's private panel; `shot_id` names the shot that it is about."""
    return f"{PREFIX}draft:{action}:{draft_id}:{shot_id}{_price(microusd)}"


DRAFT_TEMPLATE = (
    rf"{PREFIX}draft:(?P<action>{'|'.join(get_args(DraftAction))}):(?P<draft_id>{_ID}):(?P<shot_id>(?:{_SHOT})?)"
    rf"{_PRICE}"
)


def draft_select_id(draft_id: str) -> str:
    """Return the id of the list of a member's other drafts."""
    return f"{PREFIX}drafts:{draft_id}"


DRAFT_SELECT_TEMPLATE = rf"{PREFIX}drafts:(?P<draft_id>{_ID})"


def film_button_id(action: FilmAction, film_id: str, shot_id: str = "", *, microusd: int | None = None) -> str:
    """Return the id of a button below a film; `shot_id` names the shot that it is about."""
    return f"{PREFIX}film:{action}:{film_id}:{shot_id}{_price(microusd)}"


FILM_TEMPLATE = (
    rf"{PREFIX}film:(?P<action>{'|'.join(get_args(FilmAction))}):(?P<film_id>{_ID}):(?P<shot_id>(?:{_SHOT})?)"
    rf"{_PRICE}"
)


def film_select_id(film_id: str) -> str:
    """Return the id of the list of a finished film's shots, of which one is made anew."""
    return f"{PREFIX}shots:{film_id}"


FILM_SELECT_TEMPLATE = rf"{PREFIX}shots:(?P<film_id>{_ID})"


def redo_button_id(how: RedoHow, what: RedoWhat, film_id: str, shot_id: str, *, microusd: int | None = None) -> str:
    """Return the id of a button that makes a shot anew, alone or with what follows from it."""
    return f"{PREFIX}redo:{how}:{what}:{film_id}:{shot_id}{_price(microusd)}"


REDO_TEMPLATE = rf"{PREFIX}redo:(?P<how>seed|edit):(?P<what>one|rest):(?P<film_id>{_ID}):(?P<shot_id>{_SHOT}){_PRICE}"
