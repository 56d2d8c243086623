"""A film's recipe: what is kept of it, and what a hostile one can do."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import OptionRefused
from bot.films.checks import problems
from bot.films.model import SHOTS_MAX
from bot.films.recipe import FilmRecipe, draft_from, film_recipe, is_film_recipe, read_film_recipe
from bot.jobs.recipe import RECIPE_BYTES_MAX, read_recipe
from tests.support.film_samples import a_draft, a_film, a_shot_job

EMPTY = a_draft()


def random_hex() -> Callable[[int], str]:
    """Return a source of ids that never repeats itself."""
    numbers = iter(range(1, 100))
    return lambda _: f"{next(numbers):08x}"


def test_a_recipe_makes_the_same_draft_but_for_files_and_made_shots() -> None:
    """The seeds are those that fal reported; files have to be added again, and the sentence says which."""
    film = a_film("cut", "continue", "morph", crossfade_s=0.5)
    film = film.with_take(2, replace(film.take(2), skipped=True))
    jobs = {job.id: job for job in (a_shot_job(film, 1), a_shot_job(film, 3))}
    data = film_recipe(film, jobs).to_file()
    assert is_film_recipe(data)
    draft, said = draft_from(read_film_recipe(data), EMPTY, random_hex=random_hex())
    assert [(shot.prompt, shot.joining, shot.seed) for shot in draft.shots] == [
        (film.take(1).shot.prompt, "cut", 7),
        (film.take(3).shot.prompt, "morph", 7),
    ]
    assert (draft.crossfade_s, draft.resolution) == (0.5, "720p")
    assert "pictures of shots 1 and 2 again" in said
    text = data.decode()
    assert film.id not in text
    assert str(film.who.member_id) not in json.loads(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"film": 2, "family": "wan27", "resolution": "720p", "shots": [{"seconds": 5}]}',
        b'{"film": 1, "family": "wan99", "resolution": "720p", "shots": [{"seconds": 5}]}',
        b'{"film": 1, "family": "wan27", "resolution": "720p", "shots": []}',
        b'{"film": 1, "family": "wan27", "resolution": "720p", "shots": [{"seconds": 1e9}]}',
        b'{"film": 1, "family": "wan27", "resolution": "720p", "crossfade_s": NaN, "shots": [{"seconds": 5}]}',
        b'{"film":' + b"[" * 50_000,
        json.dumps({"film": 1, "family": "wan27", "resolution": "1" * 99, "shots": [{"seconds": 5}]}).encode(),
        json.dumps({"film": 1, "family": "wan27", "resolution": "7", "shots": [{"seconds": 5}] * 9}).encode(),
        b" " * (RECIPE_BYTES_MAX + 1),
    ],
)
def test_what_is_no_recipe_is_refused_with_a_sentence(data: bytes) -> None:
    """Whatever a member attaches."""
    with pytest.raises(OptionRefused):
        read_film_recipe(data)


def test_the_recipe_of_a_video_is_told_from_that_of_a_film() -> None:
    """Each is refused where the other belongs."""
    data = FilmRecipe.model_validate(
        {"family": "wan27", "resolution": "720p", "shots": [{"seconds": 5}, {"seconds": 5}]}
    ).to_file()
    with pytest.raises(OptionRefused):
        read_recipe(data)
    assert not is_film_recipe(b'{"recipe": 1, "mode": "wan27-image", "options": {}}')


@given(
    st.fixed_dictionaries(
        {
            "film": st.just(1),
            "family": st.sampled_from(["wan27", "wan25"]),
            "resolution": st.text(max_size=12),
            "aspect_ratio": st.text(max_size=12),
            "crossfade_s": st.floats(0, 10),
            "shots": st.lists(
                st.fixed_dictionaries(
                    {
                        "prompt": st.text(max_size=50),
                        "seconds": st.integers(1, 60),
                        "joining": st.sampled_from(["cut", "continue", "morph"]),
                        "seed": st.none() | st.integers(0, 2**31 - 1),
                        "made": st.text(max_size=40),
                    }
                ),
                min_size=1,
                max_size=SHOTS_MAX,
            ),
        }
    )
)
def test_any_recipe_fills_a_draft_that_is_checked_like_others(values: dict[str, object]) -> None:
    """It never claims a shot that is made, and what is odd in it becomes what the family has, or a problem."""
    draft, _ = draft_from(read_film_recipe(json.dumps(values).encode()), EMPTY, random_hex=random_hex())
    assert all(shot.made is None and not shot.files for shot in draft.shots)
    assert len({shot.id for shot in draft.shots}) == len(draft.shots)
    assert (draft.member_id, draft.guild_id, draft.id) == (EMPTY.member_id, EMPTY.guild_id, EMPTY.id)
    problems(draft, seconds_max=120)
