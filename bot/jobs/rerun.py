"""What a finished video can be the start of: the same again, changed, longer, restyled, cheaper or better.

Each function says what the new job asks for, the files as Wanda keeps them for the old one, and what its card should
say about that. `bot.runner.job_files` gives the new job files of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Literal, TypeAlias

from bot.catalogue.mode import Mode
from bot.catalogue.registry import build, by_id
from bot.jobs.facts import attached_of, rewritten_prompt_of, seed_of
from bot.jobs.model import Input, Job

Seed: TypeAlias = Literal["same", "new"]

CONTINUES, RESTYLES = "wan27-image", "wan22-video"
CONTINUED_S_MAX = 15  # Wan 2.7's longest video, the clip in it counted
ADDED_S = 5  # what a continuation adds, where there is room
EDITABLE = ("prompt", "negative_prompt", "seed", "duration", "num_frames", "resolution")
SWITCH = "enable_prompt_expansion"
TOO_LONG = "fal's rewritten prompt is too long for this mode, so the original one is used."
NO_SWITCH = "This mode cannot be told to leave a prompt as it is, so the original prompt is used."
SEED_UNFIT = "This mode does not take the seed that fal reported, so fal chooses a new one."
OTHER_PICTURE = "Another resolution does not give the same picture, even with the same seed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What a new job asks for. `inputs` are still the old job's files, without URLs; `notes` are whole sentences."""

    mode: Mode
    inputs: tuple[Input, ...]
    notes: tuple[str, ...] = ()


def rerun(job: Job, *, seed: Seed) -> Rerun:
    """Return the same job: its options, its files, and the seed that fal reported, or none so that fal chooses one.

    Where fal rewrote the prompt, the rewritten one is asked for as it is; where the mode cannot take that, the original
    one, with a note.

    Raises:
        OptionRefused: the catalogue no longer has this request.
    """
    options, notes = faithful(
        job.mode, job.options, seed=seed_of(job) if seed == "same" else None, actual_prompt=rewritten_prompt_of(job)
    )
    return _again(job, options, notes)


def edited(job: Job, changes: Mapping[str, Any]) -> Rerun:
    """Return the job with these options in place of its own; a None takes one away.

    A prompt that is left as it was stands for what fal made of it, as in `rerun`; a new one is treated as the first.

    Raises:
        OptionRefused: a value is out of its bounds, or a rule between options is broken.
    """
    known = "prompt" in changes and (changes["prompt"] or None) != (job.options.get("prompt") or None)
    rewritten = None if known else rewritten_prompt_of(job)
    options, notes = faithful(job.mode, job.options, seed=seed_of(job), actual_prompt=rewritten)
    kept = {name: value for name, value in changes.items() if not (name == "prompt" and not known)}
    return _again(job, options | kept, notes)


def editable(job: Job) -> dict[str, Any]:
    """Return what a form shows of the job, by option: those of `EDITABLE` that its mode has, None where not given."""
    specs = by_id(job.mode).specs()
    shown = {name: job.options.get(name, specs[name].default) for name in EDITABLE if name in specs}
    return shown | {"seed": seed_of(job)}


def draft_of(job: Job) -> Rerun:
    """Return the job at its mode's lowest resolution, with the same seed; raises as `rerun`."""
    return _at(job, resolutions(job.mode)[0])


def final_of(job: Job) -> Rerun:
    """Return the job at its mode's highest resolution, with the same seed; raises as `rerun`."""
    return _at(job, resolutions(job.mode)[-1])


def resolutions(mode_id: str) -> tuple[str, ...]:
    """Return a mode's resolutions, the lowest and cheapest first."""
    choices = [str(choice) for choice in by_id(mode_id).specs()["resolution"].choices]
    return tuple(sorted(choices, key=lambda choice: int(choice.removesuffix("p"))))


def continued(job: Job, clip: Input, *, prompt: str | None = None, duration: int | None = None) -> Rerun:
    """Return Wan 2.7's continuation of the job's video, of which `clip` (option `video`, at most 10 s) is the end.

    `duration` is the whole video's, in seconds, the clip counted in; without it five seconds are added, or as many as
    there is room for. Resolution, negative prompt and prompt are the job's own where Wan 2.7 takes them.

    Raises:
        OptionRefused: a value is out of its bounds.
    """
    total = duration or max(2, min(CONTINUED_S_MAX, ceil(clip.seconds or 0.0) + ADDED_S))
    options = {**_carried(job, CONTINUES, prompt), "duration": total}
    return _of_clip(CONTINUES, options, clip)


def restyled(job: Job, clip: Input, *, prompt: str | None = None) -> Rerun:
    """Return Wan 2.2's remake of the job's video, which `clip` (option `video`) is; raises as `continued`."""
    return _of_clip(RESTYLES, _carried(job, RESTYLES, prompt), clip)


def faithful(
    mode_id: str, options: Mapping[str, Any], *, seed: int | None, actual_prompt: str | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the options that ask for the same video again, and what a card says of them.

    `seed` is the one to ask for, None for fal's choice; `actual_prompt` is fal's rewritten prompt, None if there is
    none.

    Raises:
        OptionRefused: there is no such mode.
    """
    specs = by_id(mode_id).specs()
    again = {name: value for name, value in options.items() if name != "seed"}
    notes: list[str] = []
    if seed is not None:
        most = specs["seed"].maximum
        if 0 <= seed <= (seed if most is None else most):
            again["seed"] = seed
        else:
            notes.append(SEED_UNFIT)
    if actual_prompt is None:
        return again, tuple(notes)
    length_max = specs["prompt"].length_max
    if SWITCH not in specs:
        notes.append(NO_SWITCH)
    elif length_max is not None and len(actual_prompt) > length_max:
        notes.append(TOO_LONG)
    else:
        again |= {"prompt": actual_prompt, SWITCH: False}
    return again, tuple(notes)


def _at(job: Job, resolution: str) -> Rerun:
    again = rerun(job, seed="same")
    if job.options.get("resolution") == resolution:
        return again
    mode = build(job.mode, {**again.mode.options(), "resolution": resolution}, again.mode.attached())
    return replace(again, mode=mode, notes=(*again.notes, OTHER_PICTURE))


def _again(job: Job, options: Mapping[str, Any], notes: tuple[str, ...]) -> Rerun:
    inputs = tuple(replace(item, url=None) for item in job.inputs)
    return Rerun(mode=build(job.mode, options, attached_of(inputs)), inputs=inputs, notes=notes)


def _carried(job: Job, mode_id: str, prompt: str | None) -> dict[str, Any]:
    """Return what of a job's options another mode takes too: its prompts, and its resolution where it has that."""
    specs = by_id(mode_id).specs()
    asked = prompt if prompt is not None else job.options.get("prompt")
    own = {"prompt": asked, "negative_prompt": job.options.get("negative_prompt")}
    carried = {
        name: text[: specs[name].length_max] for name, text in own.items() if isinstance(text, str) and text.strip()
    }
    resolution = job.options.get("resolution")
    return carried | ({"resolution": resolution} if resolution in specs["resolution"].choices else {})


def _of_clip(mode_id: str, options: Mapping[str, Any], clip: Input) -> Rerun:
    return Rerun(mode=build(mode_id, options, attached_of((clip,))), inputs=(clip,))
