"""A rerun's request equals its parent's, except the rewritten prompt and its switch."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.fields import OptionSpec
from bot.catalogue.registry import MODES, build, by_id, price_table
from bot.errors import OptionRefused
from bot.jobs import rerun
from bot.jobs.model import Input, Job, Result, mode_of
from tests.support.catalogue_samples import LEAST, attached, input_facts
from tests.support.job_samples import a_job

MODE_IDS = [mode.id for mode in MODES]
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)


def _value(spec: OptionSpec) -> st.SearchStrategy[Any]:
    if spec.choices:
        return st.sampled_from(spec.choices)
    match spec.kind:
        case "string":
            return WORDS
        case "integer":
            return st.integers(int(spec.minimum or 0), int(spec.maximum or 0))
        case "number":
            return st.floats(spec.minimum, spec.maximum)
        case _:
            return st.booleans()


@st.composite
def jobs(draw: st.DrawFn, mode_id: str) -> Job:
    """A finished job of the mode with any valid options and any result."""
    least, files = LEAST[mode_id]
    specs = by_id(mode_id).specs()
    names = [name for name, spec in specs.items() if spec.media is None]
    chosen = draw(st.lists(st.sampled_from(names), unique=True))
    options = {**least, **{name: draw(_value(specs[name])) for name in chosen}}
    mode = build(mode_id, options, attached(*files))
    seed = draw(st.none() | st.integers(0, int(specs["seed"].maximum or 0)))
    actual = draw(st.none() | st.just(options.get("prompt")) | WORDS | st.just("x" * 801) | st.just("x" * 5001))
    inputs = tuple(replace(input_facts(name), url=f"https://old/{name}") for name in files)
    result = Result(url="https://v3.fal.media/x.mp4", seed=seed, actual_prompt=actual)
    return a_job(mode=mode_id, options=mode.options(), inputs=inputs, result=result, state="done")


def _payload(mode: Any, inputs: tuple[Input, ...]) -> dict[str, Any]:
    return dict(mode.payload({item.option: f"https://fal/{item.option}" for item in inputs}))


@pytest.mark.parametrize("mode_id", MODE_IDS)
@given(data=st.data())
def test_a_rerun_asks_for_the_same_field_for_field(mode_id: str, data: st.DataObject) -> None:
    """Only the seed that fal reported, and the rewritten prompt with its switch off, may differ."""
    job = data.draw(jobs(mode_id))
    before = _payload(mode_of(job), job.inputs)
    found = rerun.rerun(job, seed="same")
    after = _payload(found.mode, found.inputs)
    result = job.result
    assert result is not None
    expected = before if result.seed is None else before | {"seed": result.seed}
    actual = result.actual_prompt
    rewritten = bool(actual and actual.strip()) and actual != job.options.get("prompt")
    longest = found.mode.specs()["prompt"].length_max or 0
    if rewritten and rerun.SWITCH in found.mode.specs() and len(actual or "") <= longest:
        expected = expected | {"prompt": actual, rerun.SWITCH: False}
        assert found.notes == ()
    elif rewritten:
        assert found.notes in {(rerun.TOO_LONG,), (rerun.NO_SWITCH,)}
    else:
        assert found.notes == ()
    assert after == expected
    assert [replace(item, url=None) for item in job.inputs] == list(found.inputs)


@pytest.mark.parametrize("mode_id", MODE_IDS)
@given(data=st.data())
def test_a_new_seed_is_fals_own_choice(mode_id: str, data: st.DataObject) -> None:
    """A rerun with a new seed sends what one with the same seed sends, without any seed."""
    job = data.draw(jobs(mode_id))
    same = rerun.rerun(job, seed="same").mode.options()
    new = rerun.rerun(job, seed="new").mode.options()
    assert {**same, "seed": None} == {**new, "seed": None}
    assert "seed" not in new


@pytest.mark.parametrize("mode_id", MODE_IDS)
@given(data=st.data())
def test_a_rerun_of_a_rerun_is_the_rerun(mode_id: str, data: st.DataObject) -> None:
    """Once the prompt is taken as it is and the seed is stated, another rerun asks for exactly the same."""
    job = data.draw(jobs(mode_id))
    first = rerun.rerun(job, seed="same")
    result = job.result
    assert result is not None
    child = replace(job, options=first.mode.options(), inputs=first.inputs, result=replace(result, actual_prompt=None))
    assert rerun.rerun(child, seed="same") == replace(first, notes=())


@pytest.mark.parametrize("mode_id", MODE_IDS)
@given(data=st.data())
def test_draft_and_final_differ_in_the_resolution_alone(mode_id: str, data: st.DataObject) -> None:
    """Draft has the lowest resolution and Final the highest, and the card says if the resolution differs."""
    job = data.draw(jobs(mode_id))
    same = rerun.rerun(job, seed="same")
    lowest, *_, highest = rerun.resolutions(mode_id)
    for found, resolution in ((rerun.at_lowest_resolution(job), lowest), (rerun.at_highest_resolution(job), highest)):
        assert found.mode.options() == same.mode.options() | {"resolution": resolution}
        changed = resolution != job.options["resolution"]
        assert found.notes == (*same.notes, *((rerun.OTHER_PICTURE,) if changed else ()))


@pytest.mark.parametrize("mode_id", MODE_IDS)
@given(data=st.data())
def test_a_form_that_is_sent_as_it_was_is_a_rerun(mode_id: str, data: st.DataObject) -> None:
    """An unchanged form gives the request of a rerun with the same seed."""
    job = data.draw(jobs(mode_id))
    found = rerun.edit_of(job, rerun.editable_values(job))
    expected = rerun.rerun(job, seed="same")
    defaults = {name: spec.default for name, spec in found.mode.specs().items()}
    filled = {name: getattr(found.mode, name) for name in defaults}
    assert filled == {name: getattr(expected.mode, name) for name in defaults}


def test_a_new_prompt_is_rewritten_as_a_first_one_is() -> None:
    """A changed prompt is sent with the parent's own rewriting switch and seed."""
    job = a_job(result=Result(url="u", seed=7, actual_prompt="a lake at dawn, cinematic"), state="done")
    found = rerun.edit_of(job, {"prompt": "a sea", "duration": 3})
    assert found.mode.options() == {"prompt": "a sea", "resolution": "1080p", "duration": 3, "seed": 7}
    assert rerun.edit_of(job, {"seed": None}).mode.options() == {
        "prompt": "a lake at dawn, cinematic",
        "enable_prompt_expansion": False,
        "resolution": "1080p",
        "duration": 5,
    }
    with pytest.raises(OptionRefused):
        rerun.edit_of(job, {"duration": 99})


def test_the_form_shows_what_fal_said_of_the_seed() -> None:
    """A form is filled in with the reported seed, and asks only for what the mode has."""
    job = a_job(result=Result(url="u", seed=7), state="done")
    assert rerun.editable_values(job) == {
        "prompt": "a lake",
        "negative_prompt": None,
        "seed": 7,
        "duration": 5,
        "resolution": "1080p",
    }
    assert "num_frames" in rerun.editable_values(a_job(mode="wan21-image", options={"prompt": "p"}))


def test_a_seed_that_the_mode_does_not_take_is_left_out_and_told() -> None:
    """A seed above the mode's bound is not sent, because fal would refuse it."""
    job = a_job(result=Result(url="u", seed=2**53), state="done")
    found = rerun.rerun(job, seed="same")
    assert "seed" not in found.mode.options()
    assert found.notes == (rerun.SEED_UNFIT,)


@pytest.mark.parametrize(("seconds", "duration"), [(2.0, 7), (4.04, 10), (9.96, 15), (10.0, 15)])
def test_a_continuation_counts_the_clip_in(seconds: float, duration: int) -> None:
    """A continuation is the clip plus five seconds, or as many as the mode's limit leaves, and is a valid request."""
    clip = input_facts("video", seconds=seconds)
    found = rerun.continuation_of(a_job(state="done"), clip)
    assert found.mode.id == "wan27-image"
    assert found.mode.options() == {"prompt": "a lake", "resolution": "1080p", "duration": duration}
    found.mode.check({"video": clip})


def test_a_restyled_video_is_the_clip_of_wan_2_2() -> None:
    """Wan 2.2 gets the video and the new prompt; a resolution that it does not have is left to its default."""
    found = rerun.restyle_of(a_job(state="done"), input_facts("video"), prompt="as a woodcut")
    assert found.mode.id == "wan22-video"
    assert found.mode.options() == {"prompt": "as a woodcut", "resolution": "720p", "num_frames": 81}
    with pytest.raises(OptionRefused):
        rerun.restyle_of(a_job(state="done", options={}), input_facts("video"))


def test_a_changed_video_is_the_clip_of_wan_2_7_edit() -> None:
    """The instruction is the only prompt: what the video showed is in the clip. The whole clip is kept."""
    job = a_job(state="done", options={"prompt": "a lake", "negative_prompt": "blur", "resolution": "1080p"})
    found = rerun.change_of(job, input_facts("video"), prompt="make it night")
    assert found.mode.id == "wan27-edit"
    assert found.mode.options() == {"prompt": "make it night", "resolution": "1080p", "duration": 0}
    assert rerun.change_of(job, input_facts("video"), prompt="x" * 5000).notes == ()
    for wrong in ("", "x" * 5001):
        with pytest.raises(OptionRefused, match=r"^The prompt is "):
            rerun.change_of(job, input_facts("video"), prompt=wrong)


def test_a_prompt_that_must_be_cut_is_told() -> None:
    """A text of the first video that is too long for the next mode is cut with a note, never without a word."""
    long = a_job(state="done", options={"prompt": "a lake", "negative_prompt": "blur " * 200})
    found = rerun.continuation_of(long, input_facts("video"))
    assert len(found.mode.options()["negative_prompt"]) == 500
    assert found.notes == (rerun.CUT_PROMPT,)
    assert rerun.continuation_of(a_job(state="done"), input_facts("video")).notes == ()


def test_the_prices_of_other_resolutions() -> None:
    """A video's lowest and highest resolution are priced as it is; what the catalogue no longer has, has no price."""
    job = a_job(options={"prompt": "x", "resolution": "720p", "duration": 10}, inputs=(input_facts("image"),))
    assert rerun.prices_by_resolution(job, price_table()) == {"720p": 1_000_000, "1080p": 1_500_000}
    assert rerun.prices_by_resolution(replace(job, mode="wan1-image"), price_table()) == {}
