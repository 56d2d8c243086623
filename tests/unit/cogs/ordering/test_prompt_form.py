"""The form behind Fix it shows nobody what somebody else wrote."""

from dataclasses import replace

from bot.jobs.model import Request
from cogs.ordering.confirmation import PromptForm, with_prompt
from tests.support.catalogue_samples import request

LONG = "Image 1 dances with Image 2. " * 20
OWN = Request(mode=request("wan27-reference", "image1", prompt=LONG))
BORROWED = replace(OWN, borrowed_options=("negative_prompt", "prompt"))


async def test_a_prompt_of_somebody_else_is_not_filled_in() -> None:
    """A rerun's prompt that its member may not see whole is left empty, and then stays as it is; one's own is shown."""
    shown = PromptForm("a" * 32, OWN, life_s=60.0).prompt
    assert (shown.default, shown.required) == (LONG, True)
    hidden = PromptForm("a" * 32, BORROWED, life_s=60.0)
    assert (hidden.prompt.default, hidden.prompt.required) == (None, False)
    assert LONG[:40] not in str(hidden.to_dict())


def test_another_prompt_is_ones_own() -> None:
    """Once its member has written the prompt, they may see it; what else was borrowed stays hidden."""
    fixed = with_prompt(BORROWED, "Image 1 dances")
    assert fixed.mode.options()["prompt"] == "Image 1 dances"
    assert fixed.borrowed_options == ("negative_prompt",)
