"""Recipes: writing a job's request to a file, and reading such a file without trusting it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.registry import MODES
from bot.errors import OptionRefused
from bot.jobs import rerun
from bot.jobs.disclosure import PROMPT_CHARS_SHOWN
from bot.jobs.member_export import export_values
from bot.jobs.model import Job, Request
from bot.jobs.recipe import RECIPE_BYTES_MAX, read_recipe, recipe_of, replay
from bot.jobs.short_id import short_id
from tests.support.catalogue_samples import attached
from tests.support.job_samples import RESULT, a_job
from tests.unit.jobs.test_rerun import jobs


@pytest.mark.parametrize("mode_id", [mode.id for mode in MODES])
@given(data=st.data())
def test_a_recipe_replays_as_a_rerun(mode_id: str, data: st.DataObject) -> None:
    """A recipe written to a file and read again gives the request of a rerun with the same seed."""
    job: Job = data.draw(jobs(mode_id))
    recipe = read_recipe(recipe_of(job, reader_id=job.member_id).to_file())
    assert recipe == recipe_of(job, reader_id=job.member_id)
    replayed = replay(recipe, attached(*(item.option for item in job.inputs)))
    found = rerun.rerun(job, seed="same")
    assert (replayed.mode.options(), replayed.notes) == (found.mode.options(), found.notes)


def test_a_recipe_says_nothing_of_people_and_places() -> None:
    """A recipe may be given to anybody: it names no member, server, channel, token or link."""
    job = a_job(state="done", result=RESULT, member_id=987654321, guild_id=123123123)
    text = recipe_of(job, reader_id=job.member_id).to_file().decode()
    for secret in ("987654321", "123123123", job.address.token + '"', RESULT.url, job.inputs[0].path):
        assert secret not in text
    assert set(json.loads(text)) == {
        "recipe",
        "mode",
        "endpoint",
        "options",
        "seed",
        "actual_prompt",
        "inputs",
        "job",
        "prices_version",
    }


def test_a_seed_among_the_options_counts_too() -> None:
    """A seed among the other options is used."""
    recipe = read_recipe(json.dumps({"mode": "wan27-image", "options": {"seed": 7}}).encode())
    assert replay(recipe, attached("image")).mode.options()["seed"] == 7


def test_a_missing_file_is_named() -> None:
    """A recipe without its files is refused with their names."""
    with pytest.raises(OptionRefused, match="attach image"):
        replay(recipe_of(a_job(), reader_id=2), {})


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_whatever_is_no_recipe_is_refused_in_a_sentence(data: bytes) -> None:
    """Any other file is refused with a sentence, and never raises another error."""
    with pytest.raises(OptionRefused, match="Attach the JSON file"):
        read_recipe(data)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": 2},
        {"options": {"prompt": ["a"]}},
        {"options": {"prompt": {"a": 1}}},
        {"options": {f"o{n}": 1 for n in range(41)}},
        {"seed": -1},
        {"seed": "7"},
        {"seed": 1e300},
        {"mode": "m" * 41},
        {"actual_prompt": "x" * 20_001},
        {"inputs": [{"option": "image", "file_name": "a", "kind": "text"}]},
    ],
)
def test_a_recipe_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    """Every part of a recipe has a size limit."""
    data = json.loads(recipe_of(a_job(), reader_id=2).to_file()) | change
    with pytest.raises(OptionRefused, match="can't read this recipe"):
        read_recipe(json.dumps(data).encode())


@pytest.mark.parametrize("data", [b"[" * 60_000, b'{"a":' * 10_000, b" " * (RECIPE_BYTES_MAX + 1)])
def test_a_hostile_file_costs_nothing(data: bytes) -> None:
    """Deeply nested or large files are refused before they are parsed."""
    with pytest.raises(OptionRefused):
        read_recipe(data)


@pytest.mark.parametrize(
    "change", [{"mode": "wan99-image"}, {"options": {"prompt": "a", "price": 0}}, {"options": {"duration": 99}}]
)
def test_what_a_recipe_asks_for_obeys_the_mode(change: dict[str, Any]) -> None:
    """A recipe is checked like the command's options."""
    data = json.loads(recipe_of(a_job(), reader_id=2).to_file()) | change
    with pytest.raises(OptionRefused):
        replay(read_recipe(json.dumps(data).encode()), attached("image"))


def test_somebody_elses_long_texts_are_as_on_the_card() -> None:
    """Of a prompt, and of fal's wording, another member's recipe has no more than the card, and of the id the short."""
    secret = "x" * PROMPT_CHARS_SHOWN + "secret"
    for result in (RESULT, replace(RESULT, actual_prompt=f"fal's {secret}")):
        job = a_job(state="done", result=result, options={**a_job().options, "prompt": secret})
        text = recipe_of(job, reader_id=99).to_file().decode()
        assert "secret" not in text
        assert job.id not in text
        assert short_id(job.id) in text
        again = of_friend(rerun.rerun(job, seed="same"), job)
        assert "secret" in again.options["prompt"]
        assert again.borrowed_options == ("prompt",)
        assert "secret" not in recipe_of(again, reader_id=99).to_file().decode() + json.dumps(export_values(again))
        once_more = rerun.mark_borrowed(rerun.rerun(again, seed="new"), again, member_id=99)
        assert once_more.borrowed_options == ("prompt",)
        edited = rerun.edit_of(again, {"prompt": "my own"})
        assert rerun.mark_borrowed(edited, again, member_id=99).borrowed_options == ()
        assert "secret" in recipe_of(job, reader_id=job.member_id).to_file().decode()


def test_what_a_card_shows_whole_is_whole_in_the_recipe() -> None:
    """Texts that fit a card are in anybody's recipe as they were, so that it gives the same video."""
    options = {**a_job().options, "prompt": "p" * PROMPT_CHARS_SHOWN}
    job = a_job(state="done", result=replace(RESULT, actual_prompt="r" * PROMPT_CHARS_SHOWN), options=options)
    theirs = recipe_of(job, reader_id=99)
    assert (theirs.options["prompt"], theirs.actual_prompt) == ("p" * PROMPT_CHARS_SHOWN, "r" * PROMPT_CHARS_SHOWN)
    assert rerun.mark_borrowed(rerun.rerun(job, seed="same"), job, member_id=99).borrowed_options == ()


def of_friend(request: Request, parent: Job) -> Job:
    """Return the job that the request of another member, 99, becomes."""
    request = rerun.mark_borrowed(request, parent, member_id=99)
    return a_job(
        member_id=99,
        options=request.mode.options(),
        inputs=request.inputs,
        borrowed_options=request.borrowed_options,
        parent_id=request.parent_id,
    )


def test_somebody_elses_recipe_holds_what_the_card_shows() -> None:
    """Another member's recipe has no file name and no negative prompt; nor has the recipe of one's own rerun of it."""
    job = a_job(state="done", result=RESULT, options={**a_job().options, "negative_prompt": "my secret"})
    theirs = recipe_of(job, reader_id=99)
    assert (theirs.options["prompt"], "negative_prompt" in theirs.options) == ("a lake", False)
    assert [item.file_name for item in theirs.inputs] == [""]
    again = of_friend(rerun.rerun(job, seed="same"), job)
    assert again.options["negative_prompt"] == "my secret"
    text = recipe_of(again, reader_id=99).to_file().decode() + json.dumps(export_values(again))
    assert "my secret" not in text
    assert "lake.png" not in text
    once_more = rerun.mark_borrowed(rerun.rerun(again, seed="same"), again, member_id=99)
    assert once_more.borrowed_options == ("negative_prompt",)
    edited = rerun.edit_of(again, {"negative_prompt": "my own"})
    assert rerun.mark_borrowed(edited, again, member_id=99).borrowed_options == ()
