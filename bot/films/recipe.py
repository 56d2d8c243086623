"""A film's recipe: all its shots as a JSON file that people can save, share and make a new draft of."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from bot.catalogue.fields import SEED_MAX
from bot.catalogue.phrases import listed
from bot.errors import OptionRefused
from bot.films.checks import CROSSFADES_S
from bot.films.editing import new_shot_id, with_family
from bot.films.model import SHOTS_MAX, Draft, Family, Film, Joining, Shot
from bot.jobs.model import Job, seed_of
from bot.jobs.recipe import check_recipe_size
from bot.jobs.short_id import short_id

NO_RECIPE = "This isn't the recipe of a film. Attach the JSON file that Wanda gave you, unchanged."


class RecipeShot(BaseModel):
    """One shot; of its pictures there are only the names."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: str = Field(default="", max_length=5000)
    seconds: StrictInt = Field(ge=1, le=60)
    joining: Joining = "cut"
    picture: str | None = Field(default=None, max_length=300)
    end_picture: str | None = Field(default=None, max_length=300)
    seed: StrictInt | None = Field(default=None, ge=0, le=SEED_MAX)


class FilmRecipe(BaseModel):
    """What a film was ordered as, with the seeds that fal reported for its shots."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    film: Literal[1] = 1
    family: Family
    resolution: str = Field(max_length=12)
    aspect_ratio: str = Field(default="16:9", max_length=12)
    crossfade_s: float = Field(default=0.0, ge=0, le=10)
    soundtrack: str | None = Field(default=None, max_length=300)
    shots: Annotated[tuple[RecipeShot, ...], Field(min_length=1, max_length=SHOTS_MAX)]
    made_as: str | None = Field(default=None, max_length=40)

    def to_file(self) -> bytes:
        """Return the recipe as indented JSON in UTF-8."""
        return (self.model_dump_json(indent=2) + "\n").encode()


def film_recipe(film: Film, jobs: Mapping[str, Job]) -> FilmRecipe:
    """Return the recipe of a film; it has no member, server or amount."""
    return FilmRecipe(
        family=film.family,
        resolution=film.resolution,
        aspect_ratio=film.aspect_ratio,
        crossfade_s=film.crossfade_s,
        soundtrack=None if film.soundtrack is None else film.soundtrack.file_name[:300],
        shots=tuple(_recipe_shot(take.shot, jobs.get(take.job_id)) for take in film.takes if not take.skipped),
        made_as=short_id(film.id),
    )


def _recipe_shot(shot: Shot, job: Job | None) -> RecipeShot:
    seed = shot.seed if job is None else seed_of(job)
    return RecipeShot(
        prompt=shot.prompt,
        seconds=shot.seconds,
        joining=shot.joining,
        picture=None if shot.picture is None else shot.picture.file_name[:300],
        end_picture=None if shot.end_picture is None else shot.end_picture.file_name[:300],
        seed=seed if seed is not None and 0 <= seed <= SEED_MAX else None,
    )


def is_film_recipe(data: bytes) -> bool:
    """Return whether an untrusted file claims to be the recipe of a film, and not that of a video."""
    return b'"film"' in data[:200]


def read_film_recipe(data: bytes) -> FilmRecipe:
    """Parse an untrusted recipe file; what it asks for is checked as every draft is.

    Raises:
        OptionRefused: it is too large, or no recipe of a film.
    """
    check_recipe_size(len(data))
    try:
        return FilmRecipe.model_validate_json(data)
    except (ValidationError, RecursionError):
        raise OptionRefused(NO_RECIPE) from None


def draft_from(recipe: FilmRecipe, draft: Draft, *, random_hex: Callable[[int], str]) -> tuple[Draft, str]:
    """Return the empty draft filled in with the recipe, and a sentence on what its member still has to add.

    The sentence is empty where nothing is missing.
    """
    filled = replace(
        draft,
        resolution=recipe.resolution,
        aspect_ratio=recipe.aspect_ratio,
        crossfade_s=min(CROSSFADES_S, key=lambda one: abs(one - recipe.crossfade_s)),
    )
    for shot in recipe.shots:
        new = Shot(
            id=new_shot_id(filled, random_hex=random_hex),
            prompt=shot.prompt,
            seconds=shot.seconds,
            joining=shot.joining,
            seed=shot.seed,
        )
        filled = replace(filled, shots=(*filled.shots, new))
    return with_family(filled, recipe.family), _missing(recipe)


def _missing(recipe: FilmRecipe) -> str:
    with_pictures = [str(number) for number, shot in enumerate(recipe.shots, 1) if shot.picture or shot.end_picture]
    missing: list[str] = []
    if with_pictures:
        shots = "shot" if len(with_pictures) == 1 else "shots"
        missing.append(f"the pictures of {shots} {listed(with_pictures, 'and')}")
    if recipe.soundtrack:
        missing.append("the soundtrack")
    if not missing:
        return ""
    return f"A recipe holds no files, so add {', and '.join(missing)} again."
