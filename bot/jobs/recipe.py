"""A job's recipe: its request as a JSON file that people can save, share and attach to `/jobs replay`."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from bot.catalogue.fields import SEED_MAX, Attached
from bot.catalogue.registry import build, by_id
from bot.errors import OptionRefused
from bot.jobs.disclosure import as_seen_by
from bot.jobs.model import Job, Request, asked_seed, rewritten_prompt, seed_of
from bot.jobs.rerun import faithful_options
from bot.jobs.short_id import short_id

RECIPE_BYTES_MAX = 64 * 1024  # the longest prompts of the longest mode are a quarter of it
RECIPE_VERSION = 1
Value: TypeAlias = str | int | float | bool


class RecipeInput(BaseModel):
    """An input of the job: its option, file name and kind. The file itself is not in the recipe."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    option: str = Field(max_length=40)
    file_name: str = Field(max_length=300)
    kind: Literal["image", "video", "audio"]


class Recipe(BaseModel):
    """A job's request, with the seed and the rewritten prompt that fal reported; None if it reported none."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    recipe: Literal[1] = RECIPE_VERSION
    mode: str = Field(max_length=40)
    endpoint: str = Field(default="", max_length=200)
    options: dict[str, Value] = Field(max_length=40)
    seed: StrictInt | None = Field(default=None, ge=0, le=SEED_MAX)
    actual_prompt: str | None = Field(default=None, max_length=20_000)
    inputs: tuple[RecipeInput, ...] = Field(default=(), max_length=10)
    job: str | None = Field(default=None, max_length=40)
    prices_version: str | None = Field(default=None, max_length=80)

    def to_file(self) -> bytes:
        """Return the recipe as indented JSON in UTF-8."""
        return (self.model_dump_json(indent=2) + "\n").encode()


def recipe_of(job: Job, *, reader_id: int) -> Recipe:
    """Return the job's recipe as this member may read it; it has no member, server or amount.

    Of somebody else's job it holds what the card shows: fal's wording only if it is shown whole, and the short id.
    """
    stored, job = job, as_seen_by(job, reader_id)
    result = job.result if job.result == stored.result else None
    return Recipe(
        mode=job.mode,
        endpoint=by_id(job.mode).endpoint,
        options=dict(job.options),
        seed=seed_of(stored),
        actual_prompt=result.actual_prompt if result is not None else None,
        inputs=tuple(RecipeInput(option=i.option, file_name=i.file_name, kind=i.kind) for i in job.inputs),
        job=job.id if job.member_id == reader_id else short_id(job.id),
        prices_version=job.prices_version,
    )


def check_recipe_size(size_bytes: int) -> None:
    """Check that a recipe file of this size may be read; raises OptionRefused."""
    if size_bytes > RECIPE_BYTES_MAX:
        raise OptionRefused(
            f"This file is {size_bytes // 1024:,} KB, and a recipe is {RECIPE_BYTES_MAX // 1024} KB at most. "
            "Attach the JSON file that Wanda gave you."
        )


def read_recipe(data: bytes) -> Recipe:
    """Parse an untrusted recipe file; `replay` checks its mode and options.

    Raises:
        OptionRefused: it is too large, is not a recipe, or has another version.
    """
    check_recipe_size(len(data))
    try:
        return Recipe.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:60]
        raise OptionRefused(
            f"Wanda can't read this recipe{f' ({where})' if where else ''}. Attach the JSON file that Wanda gave "
            "you, unchanged."
        ) from None
    except RecursionError:
        raise OptionRefused("This isn't a recipe. Attach the JSON file that Wanda gave you.") from None


def replay(recipe: Recipe, attached: Mapping[str, Attached]) -> Request:
    """Return the recipe's request for these files, with the seed and prompt of a rerun; its inputs are still empty.

    Raises:
        OptionRefused: the mode is unknown, a file is missing, or an option is not the mode's.
    """
    missing = [item for item in recipe.inputs if item.option not in attached]
    if missing:
        wanted = ", ".join(f"{item.option} (it was a {item.kind})" for item in missing)
        raise OptionRefused(f"This recipe needs its files too: attach {wanted}, and try again.")
    seed = asked_seed(recipe.options.get("seed")) if recipe.seed is None else recipe.seed
    rewritten = rewritten_prompt(recipe.options.get("prompt"), recipe.actual_prompt)
    options, notes = faithful_options(recipe.mode, recipe.options, seed=seed, actual_prompt=rewritten)
    return Request(mode=build(recipe.mode, options, attached), notes=notes)
