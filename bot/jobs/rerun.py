"""Requests made from a finished job: the same again, edited, continued, restyled, changed, or at another resolution.

Their inputs are the parent job's files, without fal's URLs; `bot.runner.job_files` copies them for the new job.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from math import ceil
from typing import Any, Literal, TypeAlias

from bot.catalogue.price import PriceTable
from bot.catalogue.registry import build, by_id
from bot.errors import OptionRefused, Refusal
from bot.jobs.disclosure import hidden_options, is_cut_on_cards
from bot.jobs.model import Input, Job, Request, attached_of, rewritten_prompt_of, seed_of

Seed: TypeAlias = Literal["same", "new"]

CONTINUES, RESTYLES, CHANGES = "wan27-image", "wan22-video", "wan27-edit"
CONTINUED_S_MAX = 15  # Wan 2.7's longest video, the clip in it counted
ADDED_S = 5  # how much longer a continuation is by default
EDITABLE = ("prompt", "negative_prompt", "seed", "duration", "num_frames", "resolution")
SWITCH = "enable_prompt_expansion"
TOO_LONG = "Wan's rewritten prompt is too long for this mode, so yours is used."
NO_SWITCH = "This mode always rewrites prompts, so yours is used again."
SEED_UNFIT = "This mode doesn't take that seed, so fal picks a new one."
CUT_PROMPT = "The prompt is too long for this mode, so only its beginning is used."
NO_PICTURE = "This video doesn't begin with a picture, so it can't end with it. Attach one to `/wan27 image`."
OTHER_PICTURE = "Another resolution makes another picture, even with the same seed."


def rerun(job: Job, *, seed: Seed) -> Request:
    """Return the request for the same video: with the seed that fal reported, or with none, so that fal chooses one.

    If fal rewrote the prompt, the rewritten prompt is sent unchanged. A mode that cannot take it gets the original
    prompt, and a note says so.

    Raises:
        OptionRefused: the catalogue no longer has this request.
    """
    options, notes = faithful_options(
        job.mode, job.options, seed=seed_of(job) if seed == "same" else None, actual_prompt=rewritten_prompt_of(job)
    )
    return _same_mode(job, options, notes)


def loop_of(job: Job) -> Request:
    """Return the request for a video that ends with the picture it begins with, else the same; raises as `rerun`."""
    same = rerun(job, seed="same")
    first = next((item for item in same.inputs if item.option == "image"), None)
    if first is None:
        raise OptionRefused(NO_PICTURE)
    others = tuple(item for item in same.inputs if item.option != "end_image")
    inputs = (*others, replace(first, option="end_image"))
    return replace(same, mode=build(job.mode, same.mode.options(), attached_of(inputs)), inputs=inputs)


def edit_of(job: Job, changes: Mapping[str, Any]) -> Request:
    """Return the request with these options changed; None removes an option.

    An unchanged prompt is replaced by fal's rewritten one, as in `rerun`; a changed one may be rewritten by fal again.

    Raises:
        OptionRefused: a value is out of its bounds, or a rule between options is broken.
    """
    new_prompt = "prompt" in changes and (changes["prompt"] or None) != (job.options.get("prompt") or None)
    rewritten = None if new_prompt else rewritten_prompt_of(job)
    options, notes = faithful_options(job.mode, job.options, seed=seed_of(job), actual_prompt=rewritten)
    changed = {name: value for name, value in changes.items() if name != "prompt" or new_prompt}
    return _same_mode(job, options | changed, notes)


def editable_values(job: Job) -> dict[str, Any]:
    """Return the values of the options that can be edited, None for one that was not given."""
    specs = by_id(job.mode).specs()
    shown = {name: job.options.get(name, specs[name].default) for name in EDITABLE if name in specs}
    return shown | {"seed": seed_of(job)}


def at_lowest_resolution(job: Job) -> Request:
    """Return the request at the mode's lowest resolution, with the same seed; raises as `rerun`."""
    return at_resolution(job, resolutions(job.mode)[0])


def at_highest_resolution(job: Job) -> Request:
    """Return the request at the mode's highest resolution, with the same seed; raises as `rerun`."""
    return at_resolution(job, resolutions(job.mode)[-1])


def at_resolution(job: Job, resolution: str) -> Request:
    """Return the request at this resolution, with the same seed; raises as `rerun`."""
    same = rerun(job, seed="same")
    if job.options.get("resolution") == resolution:
        return same
    mode = build(job.mode, {**same.mode.options(), "resolution": resolution}, same.mode.attached())
    return replace(same, mode=mode, notes=(*same.notes, OTHER_PICTURE))


def prices_by_resolution(job: Job, prices: PriceTable) -> dict[str, int]:
    """Return the micro-dollars of the same video at the lowest and the highest resolution, as far as they are known."""
    known: dict[str, int] = {}
    for at in (at_lowest_resolution, at_highest_resolution):
        with suppress(Refusal):
            request = at(job)
            known[str(request.mode.options()["resolution"])] = request.quote(prices).microusd
    return known


def resolutions(mode_id: str) -> tuple[str, ...]:
    """Return a mode's resolutions, the lowest and cheapest first."""
    choices = [str(choice) for choice in by_id(mode_id).specs()["resolution"].choices]
    return tuple(sorted(choices, key=lambda choice: int(choice.removesuffix("p"))))


def continuation_of(job: Job, clip: Input, *, prompt: str | None = None, duration: int | None = None) -> Request:
    """Return the request for Wan 2.7 to continue the job's video; `clip` is its end (option `video`, at most 10 s).

    `duration` is the length of the whole new video in seconds, with the clip. By default it is five seconds longer than
    the clip, and at most 15. Resolution and prompts are the job's own where Wan 2.7 takes them.

    Raises:
        OptionRefused: a value is out of its bounds.
    """
    total = duration or max(2, min(CONTINUED_S_MAX, ceil(clip.seconds or 0.0) + ADDED_S))
    carried, notes = _carried(job, CONTINUES, prompt)
    return _of_clip(job, CONTINUES, {**carried, "duration": total}, clip, notes)


def restyle_of(job: Job, clip: Input, *, prompt: str | None = None) -> Request:
    """Return the request for Wan 2.2 to restyle the job's video, which is `clip`; raises as `continuation_of`."""
    carried, notes = _carried(job, RESTYLES, prompt)
    return _of_clip(job, RESTYLES, carried, clip, notes)


def change_of(job: Job, clip: Input, *, prompt: str) -> Request:
    """Return the request for Wan 2.7 to change the job's video, which is `clip`, as the prompt says.

    Raises:
        OptionRefused: the prompt is empty or too long.
    """
    carried, notes = _carried(job, CHANGES, prompt)
    return _of_clip(job, CHANGES, {**carried, "prompt": prompt}, clip, notes)


def mark_borrowed(request: Request, parent: Job, *, member_id: int) -> Request:
    """Return the request with what its member may not see marked as borrowed: inputs, and options taken over."""
    options = request.mode.options()
    hidden = hidden_options(parent, member_id)
    borrowed = {name for name in hidden if name in options and _is_taken_over(options[name], parent.options.get(name))}
    prompt, rewritten = options.get("prompt"), rewritten_prompt_of(parent)
    is_foreign = parent.member_id != member_id or "prompt" in hidden
    if is_foreign and is_cut_on_cards(prompt) and prompt == rewritten:
        borrowed.add("prompt")
    inputs = request.inputs
    if parent.member_id != member_id:
        inputs = tuple(replace(item, is_borrowed=True) for item in inputs)
    return replace(request, inputs=inputs, borrowed_options=tuple(sorted(borrowed)))


def _is_taken_over(value: object, original: object) -> bool:
    """Return whether the value is the parent's own, which a mode with a shorter limit may have cut."""
    return str(original or "").startswith(str(value))


def faithful_options(
    mode_id: str, options: Mapping[str, Any], *, seed: int | None, actual_prompt: str | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the options that give the same video again, and notes about those that the mode cannot take.

    `seed` is None for a seed that fal chooses; `actual_prompt` is the prompt as fal rewrote it, None if it did not.

    Raises:
        OptionRefused: there is no such mode.
    """
    specs = by_id(mode_id).specs()
    kept = {name: value for name, value in options.items() if name != "seed"}
    notes: list[str] = []
    if seed is not None:
        most = specs["seed"].maximum
        if 0 <= seed <= (seed if most is None else most):
            kept["seed"] = seed
        else:
            notes.append(SEED_UNFIT)
    if actual_prompt is None:
        return kept, tuple(notes)
    length_max = specs["prompt"].length_max
    if SWITCH not in specs:
        notes.append(NO_SWITCH)
    elif length_max is not None and len(actual_prompt) > length_max:
        notes.append(TOO_LONG)
    else:
        kept |= {"prompt": actual_prompt, SWITCH: False}
    return kept, tuple(notes)


def _same_mode(job: Job, options: Mapping[str, Any], notes: tuple[str, ...]) -> Request:
    inputs = tuple(replace(item, url=None) for item in job.inputs)
    mode = build(job.mode, options, attached_of(inputs))
    return Request(mode=mode, inputs=inputs, parent_id=job.id, notes=notes)


def _carried(job: Job, mode_id: str, prompt: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the job's options that another mode takes too, and a note if a prompt had to be cut for it.

    These are the prompts, and the resolution if it has that one.
    """
    specs = by_id(mode_id).specs()
    own_prompt = prompt if prompt is not None else job.options.get("prompt")
    own = {"prompt": own_prompt, "negative_prompt": job.options.get("negative_prompt")}
    carried = {
        name: text[: specs[name].length_max]
        for name, text in own.items()
        if name in specs and isinstance(text, str) and text.strip()
    }
    resolution = job.options.get("resolution")
    is_cut = any(len(str(own[name])) > len(text) for name, text in carried.items())
    options = carried | ({"resolution": resolution} if resolution in specs["resolution"].choices else {})
    return options, (CUT_PROMPT,) if is_cut else ()


def _of_clip(job: Job, mode_id: str, options: Mapping[str, Any], clip: Input, notes: tuple[str, ...]) -> Request:
    mode = build(mode_id, options, attached_of((clip,)))
    return Request(mode=mode, inputs=(clip,), parent_id=job.id, notes=notes)
