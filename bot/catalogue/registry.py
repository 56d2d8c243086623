"""Every mode there is. A new mode is one new file and its name in `MODES`; see docs/add-a-mode.md."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.phrases import listed, shortened
from bot.catalogue.price import PriceTable
from bot.catalogue.refusals import option_refusal
from bot.catalogue.wan21_image import Wan21Image
from bot.catalogue.wan22_video import Wan22Video
from bot.catalogue.wan25_image import Wan25Image
from bot.catalogue.wan25_text import Wan25Text
from bot.catalogue.wan27_edit import Wan27Edit
from bot.catalogue.wan27_image import Wan27Image
from bot.catalogue.wan27_reference import Wan27Reference
from bot.catalogue.wan27_text import Wan27Text
from bot.errors import OptionRefused

MODES: tuple[type[Mode], ...] = (
    Wan27Image,
    Wan27Text,
    Wan27Reference,
    Wan27Edit,
    Wan25Image,
    Wan25Text,
    Wan22Video,
    Wan21Image,
)
MODE_TITLES: Mapping[str, str] = {mode.id: mode.title for mode in MODES}
FAMILIES: Mapping[str, str] = {  # a slash command group and its description
    mode.family(): f"Make videos with {mode.title.rpartition(' ')[0]}." for mode in MODES
}


def by_id(mode_id: str) -> type[Mode]:
    """Return the mode with the id "wan27-image".

    Raises:
        OptionRefused: there is none; says which there are.
    """
    for mode in MODES:
        if mode.id == mode_id:
            return mode
    names = listed(mode.id for mode in MODES)
    raise OptionRefused(f"There's no mode “{shortened(mode_id)}”. Choose {names}.")


def build(mode_id: str, options: Mapping[str, Any], attached: Mapping[str, Attached]) -> Mode:
    """Return the request with these options and files, after checking every rule between them; None means not given.

    Raises:
        OptionRefused: an unknown mode or option, a value out of its bounds, or a broken rule, in one sentence.
    """
    mode = by_id(mode_id)
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return mode.model_validate({**given, **attached})
    except ValidationError as error:
        errors = error.errors(include_url=False)
        at_fault = str(errors[0]["loc"][0]) if errors[0]["loc"] else None
        raise OptionRefused(option_refusal(mode, errors), option=at_fault) from None


def price_table(
    stated: Mapping[str, Mapping[str, Decimal | None]] | None = None, bases: Mapping[str, Decimal] | None = None
) -> PriceTable:
    """Return the shipped prices, or those dollars by resolution that `stated` has for a mode's id, else for its family.

    `bases` are fal's list prices of modes where they moved: the shipped prices move with them, and stated ones are
    never below that. A resolution whose stated price is missing, None or zero is off.
    """
    known = stated or {}
    keys = {mode.id: next((key for key in (mode.id, mode.family()) if key in known), None) for mode in MODES}
    by_mode = {mode_id: known[key] for mode_id, key in keys.items() if key is not None}
    return PriceTable.of({mode.id: mode.rates for mode in MODES}, by_mode, bases or {})
