"""The forms of a finished video's buttons: Edit, Continue, Restyle, Change video, and new uploads of deleted inputs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import discord

from bot.catalogue.doubts import NO_PROMPT, is_blank
from bot.catalogue.fields import OptionSpec
from bot.catalogue.registry import build, by_id
from bot.client import Interaction, Services, requester_of
from bot.errors import FilesGone, WandaError
from bot.jobs.disclosure import as_seen_by, hidden_options
from bot.jobs.model import Input, Job, Request
from bot.jobs.rerun import (
    CHANGES,
    CONTINUES,
    RESTYLES,
    change_of,
    continuation_of,
    edit_of,
    editable_values,
    mark_borrowed,
    restyle_of,
)
from bot.jobs.rule_query import query_of_options
from bot.runner.job_files import OrderFiles, copy_result, input_of, inputs_gone, result_bytes
from bot.texts import finished
from bot.texts.finished import Clip
from bot.texts.form_fields import NUMBER_CHARS_MAX, TEXT_CHARS_MAX, option_hint, option_label
from cogs.base.form import Form, show_form
from cogs.ordering.command import attached, order_with_attachments, place_order
from cogs.ordering.posting_rights import check_place
from cogs.ordering.refused import next_steps
from cogs.results.rerun import order_rerun

Item: TypeAlias = discord.ui.TextInput[Any] | discord.ui.Select[Any]
Typed: TypeAlias = Mapping[str, Any]
NOTHING: Typed = {}
CLIP_MODES: Mapping[Clip, str] = {"continue": CONTINUES, "restyle": RESTYLES, "change": CHANGES}


class ResultForm(Form):
    """A form for one finished job; it times out, because Discord does not report that a form was closed."""

    def __init__(self, services: Services, job: Job, title: str) -> None:
        super().__init__(title=title, timeout=services.settings.jobs.pending_order_life_s)
        self.services = services
        self.job = job
        self.texts: dict[str, Item] = {}

    def ask(self, spec: OptionSpec, value: Any, *, hint: str | None = None, hidden: bool = False) -> None:
        """Add a field for one of the mode's options, filled in with `value` unless that is `hidden`."""
        item, kept = _item(spec, "" if value is None else str(value), hidden=hidden)
        unchanged = finished.HIDDEN if hidden else finished.LONGER
        description = unchanged if kept else hint or option_hint(spec)
        self.texts[spec.name] = item
        self.add_item(discord.ui.Label(text=option_label(spec.name), description=description, component=item))

    def given(self) -> dict[str, str | None]:
        """Return the values by option: None for an empty field, no entry for an unchanged long text."""
        found: dict[str, str | None] = {}
        for name, item in self.texts.items():
            text = item.values[0] if isinstance(item, discord.ui.Select) else item.value.strip()
            if text or not isinstance(item, discord.ui.TextInput) or item.placeholder != finished.UNCHANGED:
                found[name] = text or None
        return found


def _item(spec: OptionSpec, value: str, *, hidden: bool) -> tuple[Item, bool]:
    """Return a select or text field for the option, and whether it is left empty because `value` is long or hidden."""
    if spec.choices:
        options = [
            discord.SelectOption(label=label, value=str(one), default=str(one) == value)
            for label, one in spec.labelled()
        ]
        return discord.ui.Select(custom_id=spec.name, options=options, required=True), False
    is_text = spec.kind == "string"
    kept = hidden or len(value) > TEXT_CHARS_MAX
    most = min(spec.length_max or TEXT_CHARS_MAX, TEXT_CHARS_MAX) if is_text else NUMBER_CHARS_MAX
    item = discord.ui.TextInput[Any](
        custom_id=spec.name,
        style=discord.TextStyle.paragraph if is_text else discord.TextStyle.short,
        default=None if kept else value or None,
        placeholder=finished.UNCHANGED if kept else None,
        required=spec.required and not kept,
        max_length=most,
    )
    return item, kept


class EditForm(ResultForm):
    """Reruns the job with another prompt, negative prompt, seed, length or resolution."""

    def __init__(self, services: Services, job: Job, *, member_id: int, typed: Typed = NOTHING) -> None:
        """Fill in what was typed before, else the job's options that the member may see, and the seed that fal used."""
        super().__init__(services, job, "Edit and make it again")
        values = {**editable_values(job), **typed}
        specs = services.picker.specs_filled(by_id(job.mode), values, [item.option for item in job.inputs])
        hidden = hidden_options(job, member_id) - typed.keys()
        for name, value in values.items():
            self.ask(specs[name], value, hint=finished.edit_hint(name, job), hidden=name in hidden)

    async def submitted(self, interaction: Interaction) -> None:
        """Order the edited job."""
        # The form's id makes a repeated submission the same order, while two forms may run at once.
        await RerunAgain(self.job, self.given(), trigger=f"button:edit:{self.custom_id}").again(interaction, NOTHING)


class RerunAgain:
    """A rerun of a job with some options changed, which can be given again when it is refused."""

    def __init__(self, job: Job, typed: Typed, *, trigger: str) -> None:
        self.job = job
        self.typed = typed
        self.trigger = trigger
        self.request: Request | None = None
        self.error: WandaError | None = None
        self.own_microusd: int | None = None

    async def open_form(self, interaction: Interaction) -> None:
        """Show the form with what was typed."""
        form = EditForm(interaction.client.services, self.job, member_id=interaction.user.id, typed=self.typed)
        await show_form(interaction, form)

    async def again(self, interaction: Interaction, changes: Mapping[str, Any]) -> None:
        """Order the rerun, with these options changed too; raises as `order_rerun`."""
        self.typed = {**self.typed, **changes}
        async with next_steps(interaction, self):
            request = replace(edit_of(self.job, self.typed), trigger=self.trigger)
            await order_rerun(interaction, self.job, request, known=self)


class ClipForm(ResultForm):
    """Uses the finished video as the clip of a new one: continued, in another style, or with something changed."""

    def __init__(self, services: Services, job: Job, what: Clip, *, member_id: int, typed: Typed = NOTHING) -> None:
        """Fill in what was typed before, else the job's resolution, and its prompt if the member may see it whole.

        What to change is not in the job's prompt, so it is empty.
        """
        super().__init__(services, job, finished.CLIP_TITLES[what])
        is_hidden = what != "change" and "prompt" in hidden_options(job, member_id) - typed.keys()
        self.what: Clip = what
        mode = by_id(CLIP_MODES[what])
        specs = services.picker.specs(mode)
        self.ask(specs["prompt"], _prompt(job, what, typed), hint=finished.CLIP_HINTS[what], hidden=is_hidden)
        resolution, choices = typed.get("resolution", job.options.get("resolution")), specs["resolution"].choices
        filled = {"resolution": resolution if resolution in choices else specs["resolution"].default}
        if what == "continue":
            filled["duration"] = typed.get("duration", finished.continuation_s(job))
        if what == "change":
            filled["duration"] = typed.get("duration", specs["duration"].default)
        cost = services.picker.cost_filled(mode, filled, clip_s=finished.change_s(job))
        if what == "continue":
            self.ask(specs["duration"], filled["duration"], hint=f"{finished.TOTAL_HINT} {cost}")
        if what == "change":
            self.ask(specs["duration"], filled["duration"])
        self.ask(specs["resolution"], filled["resolution"], hint=None if what == "continue" else cost or None)

    async def submitted(self, interaction: Interaction) -> None:
        """Order the new video, with Wanda's copy of the finished one as its clip."""
        trigger = f"button:{self.what}:{self.custom_id}"
        await ClipAgain(self.job, self.what, self.given(), trigger=trigger).again(interaction, NOTHING)


class ClipAgain:
    """A video made from a finished one as its clip, which can be ordered again when it is refused."""

    def __init__(self, job: Job, what: Clip, typed: Typed, *, trigger: str) -> None:
        self.job = job
        self.what: Clip = what
        self.typed = typed
        self.trigger = trigger
        self.request: Request | None = None
        self.error: WandaError | None = None
        self.own_microusd: int | None = None

    async def open_form(self, interaction: Interaction) -> None:
        """Show the form with what was typed."""
        await ask_for_clip(interaction, self.job, self.what, typed=self.typed)

    async def again(self, interaction: Interaction, changes: Mapping[str, Any]) -> None:
        """Order the video, with these options changed too.

        Raises:
            Refusal: nothing was held or kept; the interaction was not answered.
            StorageError: likewise.
        """
        self.typed = {**self.typed, **changes}

        async def prepare(files: OrderFiles) -> Request:
            clip = await _clip(interaction, self.job, files, self.what)
            request = replace(_from_clip(self.job, clip, self.what, self.typed), trigger=self.trigger)
            request.check_inputs()
            return mark_borrowed(request, self.job, member_id=interaction.user.id)

        mode_id = CLIP_MODES[self.what]
        query = query_of_options(mode_id, self.typed)
        prompt = _prompt(self.job, self.what, self.typed)
        doubts = (NO_PROMPT,) if is_blank(prompt) else ()
        async with next_steps(interaction, self):
            await check_place(interaction, mode_id)
            await place_order(interaction, query, prepare, quote=None, doubts=doubts, known=self)


def _prompt(job: Job, what: Clip, typed: Typed) -> Any:
    """Return the prompt that was typed, else the job's own, which says nothing of what to change."""
    return typed.get("prompt", None if what == "change" else job.options.get("prompt"))


def _from_clip(job: Job, clip: Input, what: Clip, changes: Typed) -> Request:
    prompt = _prompt(job, what, changes) or ""
    make = {"continue": continuation_of, "restyle": restyle_of, "change": change_of}[what]
    request = make(job, clip, prompt=prompt)
    mode, others = request.mode, {name: value for name, value in changes.items() if name != "prompt"}
    return replace(request, mode=build(mode.id, {**mode.options(), **others}, mode.attached()))


async def _clip(interaction: Interaction, job: Job, files: OrderFiles, what: Clip) -> Input:
    """Copy the video into the order's files as its clip; of one that is too long, the end, or the start to change it.

    Raises:
        FilesGone: Wanda's copy of the video was deleted.
        Refusal: the clip cannot be made to fit.
    """
    services, requester = interaction.client.services, requester_of(interaction)
    path, file_name = files.folder / "video.mp4", finished.clip_name(job)
    await files.make_room(await result_bytes(job, files.files))
    await copy_result(job, files.files, path)
    facts = await services.prober.facts(path, shown_name=file_name, requester=requester)
    spec = by_id(CLIP_MODES[what]).media()["video"]
    fitted = await services.fitter.fit(
        path, facts, spec, requester=requester, keep="start" if what == "change" else "end"
    )
    return input_of(fitted, option="video", file_name=file_name, root=files.files.root, is_spoiler=job.is_spoiler)


async def ask_for_clip(interaction: Interaction, job: Job, what: Clip, *, typed: Typed = NOTHING) -> None:
    """Open the form for a continuation, another style or a change of this video, with what was typed before.

    Raises:
        FilesGone: Wanda's copy of the video was deleted, or she has none yet.
    """
    services = interaction.client.services
    if not await result_bytes(job, services.files):
        if job.late_at is not None:
            raise FilesGone(finished.RESULT_LATE)
        raise FilesGone(finished.result_not_kept(services.settings.storage.keep_days))
    await show_form(interaction, ClipForm(services, job, what, member_id=interaction.user.id, typed=typed))


async def ask_for_gone_files(interaction: Interaction, job: Job, request: Request) -> bool:
    """Open a form for the job's inputs, if some were deleted and a form has room for all; return whether it did.

    Raises:
        Refusal: a video of this mode cannot be ordered here.
    """
    services = interaction.client.services
    if len(job.inputs) > finished.UPLOADS_MAX or not await inputs_gone(job, services.files):
        return False
    await check_place(interaction, request.mode.id)
    seen = as_seen_by(job, interaction.user.id)
    request = mark_borrowed(request, job, member_id=interaction.user.id)
    await show_form(interaction, UploadForm(services, seen, request))
    return True


class UploadForm(Form):
    """Asks again for a job's inputs that were deleted, then reruns the job as a command would."""

    def __init__(self, services: Services, job: Job, request: Request) -> None:
        """Add an upload field for each input."""
        super().__init__(title="Attach the files again", timeout=services.settings.jobs.pending_order_life_s)
        self.request = request
        self.files: dict[str, discord.ui.FileUpload[Any]] = {}
        for item in job.inputs[: finished.UPLOADS_MAX]:
            upload = discord.ui.FileUpload[Any](custom_id=item.option, required=True, min_values=1, max_values=1)
            self.files[item.option] = upload
            hint = finished.upload_hint(item, services.settings.storage.keep_days)
            self.add_item(discord.ui.Label(text=option_label(item.option), description=hint, component=upload))

    async def submitted(self, interaction: Interaction) -> None:
        """Order the rerun with these files."""
        await check_place(interaction, self.request.mode.id)
        files = {option: upload.values[0] for option, upload in self.files.items()}
        mode = build(self.request.mode.id, self.request.mode.options(), attached(files))
        await order_with_attachments(interaction, replace(self.request, mode=mode), files)
