"""The forms of a film: one shot, what all shots have in common, and a shot that is tried or made again."""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast, get_args

import discord

from bot.catalogue.fields import SEED_27_MAX
from bot.client import Interaction, Services
from bot.errors import OptionRefused, Refusal
from bot.films import quoting
from bot.films.checks import CROSSFADES_S
from bot.films.editing import changed_shot, new_shot_id, with_family, with_shot
from bot.films.model import Draft, Family, Film, Joining, Plan, Shot
from bot.jobs.model import Input
from bot.media.rules.file_name import shown_name
from bot.money import dollars
from bot.texts import film_panel as words
from bot.texts.film_words import CROSSFADES, FAMILIES, JOINING_HINTS, JOININGS
from bot.texts.form_fields import HINT_CHARS_MAX, NUMBER_CHARS_MAX, TEXT_CHARS_MAX
from bot.texts.plain import cut
from cogs.base.form import Form
from cogs.films import draft_files
from cogs.films.drafts import check_press, keep_draft, own_draft, price_of, show_draft, show_shot

TakeAct: TypeAlias = Callable[[Interaction, Shot], Awaitable[None]]
PROMPT_CHARS_MAX = min(TEXT_CHARS_MAX, 2000)
CHOICES_MAX = 25


class _FilmForm(Form):
    """A form with fields by name; it times out, because Discord does not report that a form was closed."""

    def __init__(self, services: Services, title: str) -> None:
        super().__init__(title=title, timeout=services.settings.jobs.pending_order_life_s)

    def text(self, name: str, label: str, hint: str, value: str, *, is_long: bool, required: bool) -> Any:
        """Add a text field and return it."""
        item = discord.ui.TextInput[Any](
            custom_id=name,
            style=discord.TextStyle.paragraph if is_long else discord.TextStyle.short,
            default=value or None,
            required=required,
            max_length=PROMPT_CHARS_MAX if is_long else NUMBER_CHARS_MAX,
        )
        self._add(label, hint, item)
        return item

    def choice(self, name: str, label: str, hint: str, options: Iterable[discord.SelectOption]) -> Any:
        """Add a list to choose one value from and return it."""
        item = discord.ui.Select[Any](custom_id=name, options=list(options)[:CHOICES_MAX], required=True)
        self._add(label, hint, item)
        return item

    def file(self, name: str, label: str, hint: str) -> Any:
        """Add a field for a file that may stay empty and return it."""
        item = discord.ui.FileUpload[Any](custom_id=name, required=False, min_values=0, max_values=1)
        self._add(label, hint, item)
        return item

    def _add(self, label: str, hint: str, item: discord.ui.Item[Any]) -> None:
        self.add_item(discord.ui.Label(text=label, description=cut(hint, HINT_CHARS_MAX) or None, component=item))


class ShotForm(_FilmForm):
    """Adds a shot to a draft, or changes one."""

    def __init__(self, services: Services, draft: Draft, shot: Shot | None) -> None:
        """Fill in the shot as it is; a new one goes on from the last."""
        super().__init__(services, "Change this shot" if shot else f"Shot {len(draft.shots) + 1}")
        self.draft_id = draft.id
        self.shot_id = None if shot is None else shot.id
        now = shot or Shot(id="", joining="continue" if draft.shots else "cut")
        is_first = not draft.shots or (shot is not None and draft.shots[0].id == shot.id)
        self.prompt = self.text(
            "prompt", "What happens", "In this shot alone.", now.prompt, is_long=True, required=True
        )
        hint = "It costs by the second." if draft.family == "wan27" else ""
        self.seconds = self.choice("seconds", "Length", hint, _lengths(services, draft, now))
        self.joining = self.choice("joining", "How it begins", "", _joinings(draft, now, is_first=is_first))
        self.picture = self.file(
            "image",
            "First picture",
            _file_hint(now.picture, "Of a cut; a morph can have one too. Without one, a cut begins from the words."),
        )
        self.end_picture = self.file(
            "end_image",
            "Last picture",
            _file_hint(now.end_picture, "Where a morph ends; it grows out of the picture before."),
        )

    async def submitted(self, interaction: Interaction) -> None:
        """Keep the shot and show the draft as it is then."""
        await check_press(interaction)
        services = interaction.client.services
        await interaction.response.defer()
        draft = await own_draft(interaction, self.draft_id)
        shot_id = self.shot_id or new_shot_id(draft, random_hex=secrets.token_hex)
        before = next((shot for shot in draft.shots if shot.id == self.shot_id), None)
        if self.shot_id is not None and before is None:
            await show_draft(interaction, draft, words.SHOT_GONE)
            return
        pictures = {"image": self.picture, "end_image": self.end_picture}
        given = {option: item.values[0] for option, item in pictures.items() if item.values}
        files, said = await draft_files.take_or_say(interaction, draft, given, stem=shot_id)
        changes = {
            "prompt": self.prompt.value.strip(),
            "seconds": chosen_seconds(draft, self.seconds.values),
            "joining": chosen_joining(self.joining.values, files, before),
            **{{"image": "picture", "end_image": "end_picture"}[option]: item for option, item in files.items()},
        }
        try:
            changed = (
                with_shot(draft, Shot(id=shot_id, **cast("dict[str, Any]", changes)))
                if before is None
                else changed_shot(draft, shot_id, **changes)
            )
            kept = await keep_draft(services, changed)
        except Refusal:
            await draft_files.forget(services, files.values())
            raise
        await draft_files.forget(services, replaced_files(before, files))
        if before is None:
            await show_draft(interaction, kept, said)
        else:
            await show_shot(interaction, kept, shot_id, said or words.CHANGED)


def replaced_files(before: Shot | None, files: Mapping[str, Input]) -> list[Input]:
    """Return the shot's files in whose place there are others now."""
    if before is None:
        return []
    pairs = (("image", before.picture), ("end_image", before.end_picture))
    return [item for option, item in pairs if item is not None and option in files]


def _lengths(services: Services, plan: Plan, now: Shot, beside_microusd: int = 0) -> list[discord.SelectOption]:
    """Return the lengths that a shot can have, each with what it costs, and others beside it, where that is known."""
    known = quoting.lengths(plan)
    chosen = now.seconds if now.seconds in known else min(known, key=lambda one: abs(one - now.seconds))
    found: list[discord.SelectOption] = []
    for seconds in known:
        shot = replace(now, seconds=seconds, made=None, prompt=now.prompt or "x")
        price = price_of(services, plan, shot)
        label = f"{seconds} s" if price is None else f"{seconds} s · {dollars(price + beside_microusd)}"
        found.append(discord.SelectOption(label=label, value=str(seconds), default=seconds == chosen))
    return found


def _joinings(draft: Draft, now: Shot, *, is_first: bool) -> list[discord.SelectOption]:
    """Return the ways to begin that the family has; the first shot has none to go on from."""
    every: tuple[Joining, ...] = get_args(Joining)
    ways: list[Joining] = [way for way in every if way != "continue" or not is_first]
    ways = [way for way in ways if way != "morph" or quoting.takes_end_picture(draft)]
    chosen = now.joining if now.joining in ways else ways[0]
    return [
        discord.SelectOption(label=JOININGS[way], description=JOINING_HINTS[way], value=way, default=way == chosen)
        for way in ways
    ]


def _file_hint(item: Input | None, otherwise: str) -> str:
    return otherwise if item is None else f"Now “{cut(shown_name(item.file_name), 40)}”. Leave it empty to keep it."


def chosen_seconds(plan: Plan, values: list[str]) -> int:
    """Return the chosen length; anybody can send anything.

    Raises:
        OptionRefused: no shot can last so long.
    """
    known = {str(one): one for one in quoting.lengths(plan)}
    if not values or values[0] not in known:
        raise OptionRefused(words.BAD_CHOICE)
    return known[values[0]]


def chosen_joining(values: list[str], files: Mapping[str, Input], before: Shot | None) -> Joining:
    """Return the chosen way to begin; a last picture that comes with another choice makes it a morph where it can.

    Raises:
        OptionRefused: there is no such way.
    """
    way = values[0] if values else ""
    if way not in get_args(Joining):
        raise OptionRefused(words.BAD_CHOICE)
    has_first = "image" in files or (before is not None and before.picture is not None)
    if "end_image" in files and (way == "continue" or (way == "cut" and has_first)):
        return "morph"
    return cast("Joining", way)


class LookForm(_FilmForm):
    """What all shots of a draft have in common, and its soundtrack."""

    def __init__(self, services: Services, draft: Draft) -> None:
        super().__init__(services, "Look and sound")
        self.draft_id = draft.id
        self.family = self.choice("family", "Model", "For all shots.", _options(FAMILIES, draft.family))
        sizes = _sizes(draft.resolution)
        self.resolution = self.choice(
            "resolution", "Resolution", "Higher costs more.", _options(sizes, draft.resolution)
        )
        ratios = {one: one for one in _ratios()} or {draft.aspect_ratio: draft.aspect_ratio}
        self.ratio = self.choice(
            "aspect_ratio",
            "Shape",
            "Of shots without a picture; others have their picture's.",
            _options(ratios, draft.aspect_ratio),
        )
        fades = {f"{fade:g}": CROSSFADES[fade] for fade in CROSSFADES_S}
        self.fade = self.choice(
            "crossfade",
            "Cross-fade",
            "At cuts, from one shot into the next.",
            _options(fades, f"{draft.crossfade_s:g}"),
        )
        hint = "Music or a voice in place of the shots' own sound: MP3 or WAV."
        self.sound = self.file(draft_files.SOUNDTRACK, "Soundtrack", _file_hint(draft.soundtrack, hint))

    async def submitted(self, interaction: Interaction) -> None:
        """Keep the choices and show the draft as it is then."""
        await check_press(interaction)
        services = interaction.client.services
        await interaction.response.defer()
        draft = await own_draft(interaction, self.draft_id)
        family, fades = _one(self.family.values, get_args(Family)), {f"{fade:g}": fade for fade in CROSSFADES_S}
        changed = replace(
            draft,
            resolution=_one(self.resolution.values, _sizes(draft.resolution)),
            aspect_ratio=_one(self.ratio.values, (*_ratios(), draft.aspect_ratio)),
            crossfade_s=fades[_one(self.fade.values, fades)],
        )
        changed = with_family(changed, cast("Family", family))
        given = {draft_files.SOUNDTRACK: self.sound.values[0]} if self.sound.values else {}
        files, said = await draft_files.take_or_say(interaction, draft, given, stem="film")
        sound = files.get(draft_files.SOUNDTRACK)
        try:
            kept = await keep_draft(services, changed if sound is None else replace(changed, soundtrack=sound))
        except Refusal:
            await draft_files.forget(services, files.values())
            raise
        if sound is not None and draft.soundtrack is not None:
            await draft_files.forget(services, [draft.soundtrack])
        await show_draft(interaction, kept, said or words.CHANGED)


def _options(named: Mapping[Any, str], chosen: str) -> list[discord.SelectOption]:
    return [discord.SelectOption(label=label, value=value, default=value == chosen) for value, label in named.items()]


def _one(values: list[str], known: Iterable[str]) -> str:
    """Return the chosen value; raises OptionRefused for one that was not offered."""
    if not values or values[0] not in set(known):
        raise OptionRefused(words.BAD_CHOICE)
    return values[0]


def _families() -> tuple[Family, ...]:
    return get_args(Family)


def _sizes(now: str) -> dict[str, str]:
    """Return the resolutions that some family has, the lowest first."""
    sizes = {one for family in _families() for one in quoting.resolutions(_plan(family))} | {now}
    return {
        one: one for one in sorted(sizes, key=lambda one: int(one.removesuffix("p")) if one[:-1].isdecimal() else 0)
    }


def _ratios() -> tuple[str, ...]:
    """Return the shapes that some family has."""
    return tuple(dict.fromkeys(one for family in _families() for one in quoting.aspect_ratios(_plan(family))))


def _plan(family: Family) -> Plan:
    return Plan(id="", family=family)


class TakeForm(_FilmForm):
    """A shot of a film that is tried or made again with other words, another length or another seed."""

    def __init__(
        self, services: Services, film: Film, shot: Shot, act: TakeAct, *, title: str, beside_microusd: int = 0
    ) -> None:
        """`act` is called with the edited shot; `beside_microusd` is what others cost that are made with it."""
        super().__init__(services, title)
        self._film, self._shot, self._act = film, shot, act
        self.prompt = self.text(
            "prompt", "What happens", "In this shot alone.", shot.prompt, is_long=True, required=True
        )
        hint = "The price includes the shots that are made again with it." if beside_microusd else ""
        self.seconds = self.choice("seconds", "Length", hint, _lengths(services, film, shot, beside_microusd))
        seed = "" if shot.seed is None else str(shot.seed)
        self.seed = self.text("seed", "Seed", "Empty for a new one.", seed, is_long=False, required=False)

    async def submitted(self, interaction: Interaction) -> None:
        """Make the edited shot."""
        await check_press(interaction)
        shot = replace(
            self._shot,
            prompt=self.prompt.value.strip(),
            seconds=chosen_seconds(self._film, self.seconds.values),
            seed=typed_seed(self.seed.value.strip()),
        )
        await self._act(interaction, shot)


def typed_seed(text: str) -> int | None:
    """Return the typed seed, None for none; raises OptionRefused."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > SEED_27_MAX:
        raise OptionRefused(words.BAD_SEED)
    return int(text)
