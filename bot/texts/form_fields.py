"""Labels and hints of a mode's options in a form, within Discord's limits.

https://discord.com/developers/docs/components/reference
"""

from bot.catalogue.fields import OptionSpec
from bot.texts.plain import cut

TEXT_CHARS_MAX = 4000
LABEL_CHARS_MAX = 45
HINT_CHARS_MAX = 100
VARIATIONS = "variations"  # the option for several videos, or drafts, at once
PRESET = "preset"  # the option that fills in the others
LOOP = "loop"  # the option that ends the video with the picture it begins with
NUMBER_CHARS_MAX = 20  # more digits than any option has


def option_label(name: str) -> str:
    """Return the label of the option's field, at most `LABEL_CHARS_MAX` characters."""
    return "Frames" if name == "num_frames" else cut(name.replace("_", " ").capitalize(), LABEL_CHARS_MAX)


def option_hint(spec: OptionSpec) -> str:
    """Return the option's description, after its bounds if both fit.

    A slash command shows the bounds by itself; a form does not.
    """
    if spec.kind == "string" or spec.choices or spec.minimum is None or spec.maximum is None:
        return cut(spec.description, HINT_CHARS_MAX)
    bounded = f"{spec.minimum:,.16g} to {spec.maximum:,.16g}. {spec.description}"
    return bounded if len(bounded) <= HINT_CHARS_MAX else cut(spec.description, HINT_CHARS_MAX)
