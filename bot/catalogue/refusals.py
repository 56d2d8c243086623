"""Turns pydantic's errors into one sentence: the option, what was given, what it takes, and what to do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.catalogue.fields import OptionSpec
from bot.catalogue.mode import Mode
from bot.catalogue.phrases import listed, option_words, range_text, shortened

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def option_refusal(mode: type[Mode], errors: "Sequence[ErrorDetails]") -> str:
    """Return the sentence for the first of `errors`."""
    error = errors[0]
    if error["type"] == "value_error":  # a rule of the mode, raised with its sentence
        return str(error.get("ctx", {})["error"])
    name = str(error["loc"][0])
    spec = mode.specs().get(name)
    if spec is None:
        return unknown_option(mode, name)
    return option_sentence(mode, spec, error["type"], error["input"])


def unknown_option(mode: type[Mode], name: str) -> str:
    """Return the sentence for an option that the mode does not have."""
    return f"{mode.title} has no option {shortened(name)}; it has {listed(mode.specs(), 'and')}. Choose one of these."


def option_sentence(mode: type[Mode], spec: OptionSpec, kind: str, given: Any) -> str:
    """Return the sentence for one broken option; `kind` is pydantic's name of the error."""
    the = f"The {option_words(spec.name)}"
    match kind:
        case "missing" if spec.kind == "file":
            return f"{the} is missing. Attach one and try again."
        case "missing":
            return f"{the} is missing. Fill it in and try again."
        case "string_too_short":
            return f"{the} is empty. Write something there and try again."
        case "string_too_long":
            longest = spec.length_max or 0
            return (
                f"{the} is {len(given):,} characters long, and {mode.title} takes up to {longest:,}. "
                f"Shorten it by {len(given) - longest:,} and try again."
            )
        case _:
            return f"{the} is {shortened(given)}, and {mode.title} takes {takes(spec)}. Change it and try again."


def takes(spec: OptionSpec) -> str:
    """Return in words what an option takes."""
    if spec.choices:
        return listed(spec.choices)
    match spec.kind:
        case "integer":
            return f"a whole number from {range_text(spec.minimum, spec.maximum)}"
        case "number":
            return f"a number from {range_text(spec.minimum, spec.maximum)}"
        case "boolean":
            return "true or false"
        case "string":
            return "text"
        case "file":
            return "a file"
