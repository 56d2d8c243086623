"""/help as plain data: a start, a page for each command that makes videos, and two about what comes after and money."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.catalogue.drafts import has_drafts
from bot.catalogue.mode import LENGTHS, Mode, SlashCommand
from bot.catalogue.phrases import first_upper, listed
from bot.catalogue.picker import Picker
from bot.catalogue.registry import MODES
from bot.jobs.alarms import AlarmKind, why_off
from bot.ledger.model import View
from bot.money import dollars
from bot.texts.button_ids import HELP_SELECT_ID, help_button_id
from bot.texts.card import Button, Card, Choice, Field, Select
from bot.texts.film_words import JOINING_HINTS, JOININGS
from bot.texts.quota import reach, stop_reason
from bot.units import counted

BLUE = 0x5865F2
GREY = 0x4E5058
START, AFTER, MONEY, FILM = "start", "after", "money", "film"
EXAMPLES_MAX = 4
FILM_SUMMARY = "Join several shots into one film"
FILM_SHOTS = 3
FILM_MODES = frozenset({"wan27-image", "wan25-image"})
Mention: TypeAlias = Callable[[str], str]  # "wan27 image" as a link to the command


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: what they may do and spend here, how commands are linked, and which modes are off for now."""

    picker: Picker
    view: View
    mention: Mention
    off: Mapping[str, AlarmKind] = field(default_factory=dict[str, AlarmKind])  # modes that are off for now


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A page, and the name of the picture that belongs to it with what it shows; not every page has one."""

    card: Card
    picture: str | None = None
    alt: str = ""


def help_page(page: str, reader: Reader) -> HelpPage:
    """Return the page of this name; the start for a name that there is not (any more)."""
    for mode in MODES:
        for command in mode.slash_commands():
            if page == path_of(mode, command):
                return HelpPage(_of_command(mode, command, reader), picture_of(page), command.summary)
    match page:
        case "after":
            return HelpPage(_after(reader))
        case "money":
            return HelpPage(_money(reader))
        case "film":
            return HelpPage(_film(reader))
        case _:
            return HelpPage(_start(reader), picture_of("wan27 image"), "A picture becomes a video.")


def path_of(mode: type[Mode], command: SlashCommand) -> str:
    """Return the command without its slash: "wan27 image"."""
    return f"{mode.family()} {command.name}"


def picture_of(path: str) -> str:
    """Return the name of a command's picture."""
    return f"{path.replace(' ', '-')}.png"


def _start(reader: Reader) -> Card:
    lines = [
        f"{reader.mention(path_of(mode, command))}: {_title(command)} · from **{_cheapest(mode, reader.picker)}**"
        for mode in reader.picker.modes()
        if _why_off(mode, reader) == ""
        for command in mode.slash_commands()
    ]
    if _film_example(reader):
        lines.append(f"{reader.mention(FILM)}: {FILM_SUMMARY}")
    first = next((mode for mode in reader.picker.modes() if _why_off(mode, reader) == ""), None)
    return _card(
        START,
        reader,
        title="Make videos with Wanda",
        description="Choose a command, say what should happen, and attach what it begins with: a picture, a clip, or "
        "nothing but your words. Your video appears in the channel a few minutes later.",
        fields=(
            Field("Commands", "\n".join(lines) or "None is open to you here.", inline=False),
            Field("For you", _buys(first, reader), inline=False),
        ),
    )


def _of_command(mode: type[Mode], command: SlashCommand, reader: Reader) -> Card:
    path, specs = path_of(mode, command), reader.picker.command_specs(mode, command)
    needed = [f"`{spec.name}`" for spec in specs if spec.required]
    if mode.stand_in and not any(spec.required and spec.media for spec in specs):
        needed.append(f"a file such as `{mode.stand_in}`")
    off = _why_off(mode, reader)
    example = f"\n> {command.example}" if command.example else ""
    order = f"{reader.mention(path)} with {listed(needed, 'and')}.{example}"
    priced = "\n".join(_examples(mode, reader)) or "It has no price here."
    return _card(
        path,
        reader,
        title=_title(command),
        description=command.purpose or command.summary,
        fields=(
            Field("How to order", off or order, inline=False),
            Field("What it costs", priced, inline=False),
            *(() if off else (Field("For you", _buys(mode, reader), inline=False),)),
        ),
        colour=GREY if off else BLUE,
    )


def _after(reader: Reader) -> Card:
    mention = reader.mention
    return _card(
        AFTER,
        reader,
        title="When your video is there",
        description="Buttons below it make more of it: the same again, with another seed, edited, continued or in "
        "another style. Whoever presses pays.",
        fields=(
            Field(
                "React",
                "🔁 makes it again · 🎲 with a new seed · ✉️ sends it to you · ❌ deletes it",
                inline=False,
            ),
            Field(
                "From any message",
                "Right click (or hold) a message with a picture or clip, then choose Apps.",
                inline=False,
            ),
            Field(
                "Yours",
                f"{mention('jobs list')} finds your videos, {mention('queue')} what's being made. "
                f"{mention('settings')} sets your pings and defaults. "
                f"{mention('privacy show')} shows what Wanda keeps.",
                inline=False,
            ),
        ),
    )


def _film(reader: Reader) -> Card:
    joinings = (f"**{JOININGS[one]}**: {JOINING_HINTS[one]}" for one in JOININGS)
    example = _film_example(reader)
    cost = (
        f"The sum of its shots, set aside at once. What isn't made comes back.\n{example}"
        if example
        else "No shots can be made here now. An admin of this server can change that."
    )
    return _card(
        FILM,
        reader,
        title=FILM_SUMMARY,
        description="A private panel lists the shots, with the price and length of the whole. It's kept, so you can go "
        "on another day.",
        fields=(
            Field(
                "How to order", f"{reader.mention(FILM)}, add your shots, then press **Make the film**.", inline=False
            ),
            Field("How shots join", "\n".join(joinings), inline=False),
            Field("What it costs", cost, inline=False),
            Field(
                "When it's there",
                "Make any shot again, continue the film, or take its recipe. If a shot doesn't work out, the film "
                "waits, and its card asks you how to go on.",
                inline=False,
            ),
        ),
    )


def _film_example(reader: Reader) -> str:
    """Return what a short film costs; "" if nothing that films are made of can be made here."""
    mode = next((one for one in reader.picker.modes() if one.id in FILM_MODES and _why_off(one, reader) == ""), None)
    if mode is None:
        return ""
    resolution = next(iter(_open_rates(mode, reader)))
    price = reader.picker.example(mode, resolution=resolution).microusd
    words = setting_words(mode, reader.picker, {"resolution": resolution})
    return f"{FILM_SHOTS} shots of {words}: **{dollars(FILM_SHOTS * price)}**"


def _money(reader: Reader) -> Card:
    above = reader.view.terms.confirm_above_microusd.value
    prices = reader.picker.prices
    drafted = [mode.title for mode in reader.picker.modes() if has_drafts(mode.id, prices)]
    buys = [_buys(mode, reader, title=mode.title) for mode in reader.picker.modes() if _why_off(mode, reader) == ""]
    return _card(
        MONEY,
        reader,
        title="What videos cost you",
        description="You see prices in the choices while you order. You pay for finished videos, and Wanda asks before "
        f"anything above {dollars(above)}.",
        fields=(
            Field("Left for you", _left(reader), inline=False),
            Field("That buys", "\n".join(buys) or "Nothing here.", inline=False),
            *((_best_of(drafted),) if drafted else ()),
            Field(
                "More",
                f"{reader.mention('quota show')} shows every limit, and {reader.mention('settings')} changes when "
                "Wanda asks. Need more? Below the refusal, let others **chip in**, or **ask an admin**.",
                inline=False,
            ),
        ),
    )


def _best_of(titles: Sequence[str]) -> Field:
    return Field(
        "Not sure yet?",
        "Choose **Best of 3** under `variations`: Wanda makes cheap drafts, you pick one or let the channel vote, and "
        f"only that is made in full.\n-# With {listed(titles)}.",
        inline=False,
    )


def _card(
    page: str, reader: Reader, *, title: str, description: str, fields: tuple[Field, ...], colour: int = BLUE
) -> Card:
    buttons = [("Start", START), ("Money", MONEY), ("After a video", AFTER)]
    return Card(
        title=title,
        description=description,
        fields=fields,
        colour=colour,
        selects=(Select(HELP_SELECT_ID, _choices(page, reader), placeholder="What do you want to make?"),),
        buttons=tuple(Button(label, "secondary", help_button_id(to), disabled=to == page) for label, to in buttons),
    )


def _choices(page: str, reader: Reader) -> tuple[Choice, ...]:
    film = Choice(FILM_SUMMARY, FILM, chosen=page == FILM, description="/film" if _film_example(reader) else "Off here")
    return (*_of_commands(page, reader)[:24], film)


def _of_commands(page: str, reader: Reader) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            _title(command),
            path_of(mode, command),
            chosen=path_of(mode, command) == page,
            description="Off here" if _why_off(mode, reader) else f"/{path_of(mode, command)}",
        )
        for mode in MODES
        for command in mode.slash_commands()
    )


def _title(command: SlashCommand) -> str:
    """Return a command's summary without what stands in brackets: "Make a picture move with Wan 2.7"."""
    return command.summary.partition(" (")[0].rstrip(".")


def _why_off(mode: type[Mode], reader: Reader) -> str:
    """Return why the member cannot use the mode here, or ""."""
    terms = reader.view.terms
    if not reader.picker.rates(mode):
        return "**It's off**: whoever runs Wanda has set no price for it."
    if mode.id in reader.off:
        return f"**It's off for now**, because {why_off(reader.off[mode.id])}."
    if terms.modes is not None and mode.id not in terms.modes.value:
        return "**It's off in this server.** An admin can turn it on."
    if not _open_rates(mode, reader):
        return "**Its resolutions are off in this server.** An admin can turn them on."
    return ""


def _open_rates(mode: type[Mode], reader: Reader) -> dict[str, int]:
    """Return the mode's rates at the resolutions that the member may use, the default resolution first."""
    allowed = reader.view.terms.resolutions
    default = reader.picker.defaults[mode.id]["resolution"]
    rates = {one: rate for one, rate in reader.picker.rates(mode).items() if allowed is None or one in allowed.value}
    return dict(sorted(rates.items(), key=lambda pair: pair[0] != default))


def _examples(mode: type[Mode], reader: Reader) -> list[str]:
    """Return lines of a setting and its price: the default first, the other resolutions, and the longest video."""
    picker = reader.picker
    known = _open_rates(mode, reader) or picker.rates(mode)
    rates, dearest = list(known), max(known, key=known.__getitem__, default="")
    length = next(name for name in LENGTHS if name in mode.specs())
    spec = mode.specs()[length]
    longest = (
        max(choice for choice in spec.choices if isinstance(choice, int)) if spec.choices else int(spec.maximum or 0)
    )
    settings: list[dict[str, str | int]] = [{"resolution": one} for one in rates]
    if settings:
        settings = [*settings[: EXAMPLES_MAX - 1], {"resolution": dearest, length: longest}]
    lines = [
        f"{first_upper(setting_words(mode, picker, one))}: **{dollars(picker.example(mode, **one).microusd)}**"
        for one in settings
    ]
    return [f"{lines[0]}, the default", *lines[1:]] if lines else []


def setting_words(mode: type[Mode], picker: Picker, options: dict[str, str | int]) -> str:
    """Return "5 s at 720p", or "about 5 s at 720p" where frames do not make whole seconds, or "a 5 s clip at 720p"."""
    seconds = picker.seconds(mode, **options)
    known = {**picker.defaults[mode.id], **options}
    resolution = known["resolution"]
    if mode.keeps_length_of is not None and not known["duration"]:
        return f"a {seconds:.0f} s clip at {resolution}"
    return f"{'' if seconds == round(seconds) else 'about '}{seconds:.0f} s at {resolution}"


def _cheapest(mode: type[Mode], picker: Picker) -> str:
    """Return the price of the cheapest video of the mode's usual length."""
    return dollars(min(picker.example(mode, resolution=one).microusd for one in picker.rates(mode)))


def _left(reader: Reader) -> str:
    stopped = stop_reason(reader.view)
    if stopped:
        return stopped
    bound = reach(reader.view)
    return (
        "Nothing limits what you spend."
        if bound is None
        else f"**{dollars(bound.microusd)}** is left of {bound.because}."
    )


def _buys(mode: type[Mode] | None, reader: Reader, *, title: str = "") -> str:
    """Return what the member's money buys of the mode at the setting that they get unless they choose."""
    stopped = stop_reason(reader.view)
    if stopped or mode is None:
        return stopped or "Nothing can be made here now. An admin of this server can change that."
    setting: dict[str, str | int] = {"resolution": next(iter(_open_rates(mode, reader)))}
    price, words = reader.picker.example(mode, **setting).microusd, setting_words(mode, reader.picker, setting)
    ceiling, bound = reader.view.terms.ceiling_microusd, reach(reader.view)
    name = f"{title}: " if title else ""
    if ceiling is not None and ceiling.value < price:
        return f"{name}a video may cost up to {dollars(ceiling.value)} here, so choose a shorter or smaller one."
    if bound is None:
        return f"{name}as many videos of {words} as you like."
    many = f"**{counted(bound.microusd // price, 'video')}** of {words}"
    if title:
        return f"{name}{many}"
    return f"**{dollars(bound.microusd)}** is left of {bound.because}. That buys {many}."
