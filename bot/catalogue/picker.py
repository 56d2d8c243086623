"""What people can pick: the modes that have a price, what each setting costs, and the operator's defaults.

The slash commands, the forms, /help and `python -m bot price` are made from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self, TypeAlias

from bot.catalogue.fields import OptionSpec, described
from bot.catalogue.list_price import base_prices
from bot.catalogue.mode import LENGTHS, Mode, SlashCommand
from bot.catalogue.phrases import WHOLE_CLIP, first_upper, length_words, listed, shortened
from bot.catalogue.price import PriceTable, Quote
from bot.catalogue.registry import MODES, build, price_table
from bot.catalogue.stand_in import FileStandIn, request_for_price
from bot.errors import OptionRefused, Refusal, SettingsRefused
from bot.money import dollars
from bot.settings import DefaultSettings, MoneySettings

Defaults: TypeAlias = Mapping[str, str | int]
NOTHING: Mapping[str, Any] = {}
CLIP_S = 5.0  # of the clip whose price /help and the panels tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Picker:
    """The price table, and by mode id the default of every option that the price depends on."""

    prices: PriceTable
    defaults: Mapping[str, Defaults]

    @classmethod
    def of(cls, money: MoneySettings, defaults: DefaultSettings) -> Self:
        """Return the operator's picker.

        A default resolution without a price gives way to the next lower one that has a price, else to the lowest.

        Raises:
            SettingsRefused: a default is not an option of its mode, or not one of its values; or the base prices
                cannot be read.
        """
        prices, stated = price_table(money.prices_usd, _bases(money)), defaults.by_mode
        return cls(
            prices=prices, defaults={mode.id: _defaults(mode, stated.get(mode.id, ""), prices) for mode in MODES}
        )

    def modes(self) -> tuple[type[Mode], ...]:
        """Return the modes that have a price at one resolution at least; the others are off."""
        return tuple(mode for mode in MODES if self.rates(mode))

    def rates(self, mode: type[Mode]) -> dict[str, int]:
        """Return the micro-dollars of one unit by resolution, for the resolutions that have a price."""
        return _rates(mode, self.prices)

    def specs(self, mode: type[Mode], descriptions: Mapping[str, str] = NOTHING) -> Mapping[str, OptionSpec]:
        """Return the mode's options as people see them: with prices, the operator's defaults, and no resolution off.

        `descriptions` replace the mode's own.
        """
        texts = _texts(mode, descriptions)
        return {name: self._spec(mode, spec, texts[name]) for name, spec in mode.specs().items()}

    def command_specs(self, mode: type[Mode], command: SlashCommand) -> list[OptionSpec]:
        """Return a slash command's options in the order of use; the required ones come first, as Discord wants it."""
        texts = _texts(mode, command.descriptions)
        shown = [
            replace(spec, required=True, default=None, description=texts[name]) if name in command.needs else spec
            for name, spec in self.specs(mode, command.descriptions).items()
            if name not in command.without
        ]
        return sorted(shown, key=lambda spec: not spec.required)

    def defaults_of(self, mode: type[Mode], own: Mapping[str, Any] = NOTHING) -> dict[str, str | int]:
        """Return what a member gets where they leave a priced option out: their `own` choice, else the operator's.

        Only this function decides it. An own choice that the mode does not have, or that is off, does not count.
        """
        specs, rates = mode.specs(), self.rates(mode)
        fitting = {
            name: value
            for name, value in own.items()
            if name in mode.priced and value in specs[name].choices and (name != "resolution" or value in rates)
        }
        return {**self.defaults[mode.id], **fitting}

    def completed(self, request: Mode, own: Mapping[str, Any] = NOTHING) -> Mode:
        """Return the request with the priced options that were not given, as `defaults_of` decides them."""
        defaults = self.defaults_of(type(request), own)
        absent = {name: value for name, value in defaults.items() if name not in request.model_fields_set}
        return build(request.id, {**request.options(), **absent}, request.attached())

    def example(self, mode: type[Mode], **options: str | int) -> Quote:
        """Return what these options cost, with the defaults for the others and without clips that cost.

        Raises:
            Refusal: a value is out of its bounds, or has no price.
        """
        request, files = self._request(mode, options)
        return request.quote(files, self.prices)

    def specs_filled(
        self, mode: type[Mode], filled: Mapping[str, Any], files: Iterable[str]
    ) -> Mapping[str, OptionSpec]:
        """Return `specs` for a form that opens with these values: its length says what they cost together.

        The options are described as the command that takes files in the options `files` describes them.

        A form cannot count along, so it says the sum of what it opens with; the choices have the other prices.
        """
        descriptions = mode.command_for(files).descriptions
        specs, cost = self.specs(mode, descriptions), self.cost_filled(mode, filled)
        length = next(name for name in LENGTHS if name in specs)
        text = f"{_texts(mode, descriptions)[length]} {cost}"
        return {**specs, length: replace(specs[length], description=text)} if cost else specs

    def cost_filled(self, mode: type[Mode], filled: Mapping[str, Any], *, clip_s: float | None = None) -> str:
        """Return "As filled in: $0.50." for a form that opens with these values; "" when they have no price.

        `clip_s` is the length of the clip, if it is known.
        """
        values = {
            name: self.defaults[mode.id][name] if filled.get(name) in {None, ""} else filled[name]
            for name in mode.priced
        }
        try:
            request, files = self._request(mode, values, clip_s=clip_s or CLIP_S)
            quote = request.quote(files, self.prices)
        except Refusal:
            return ""
        if clip_s is None and mode.keeps_length_of is not None and request.priced_by_files():
            return f"As filled in: {mode.rate_text(self.rates(mode)[str(values['resolution'])])}."
        has_clips = mode.keeps_length_of is None and mode.priced_by_files is not Mode.priced_by_files
        return f"As filled in: {dollars(quote.microusd)}{', clips apart' if has_clips else ''}."

    def seconds(self, mode: type[Mode], **options: str | int) -> float:
        """Return how long such a video plays, in seconds."""
        request, files = self._request(mode, options)
        return request.output_seconds(files)

    def _request(
        self, mode: type[Mode], options: Mapping[str, Any], *, clip_s: float = CLIP_S
    ) -> tuple[Mode, Mapping[str, FileStandIn]]:
        """Return a request with these options and stand-ins for its files; `clip_s` is for a clip kept as a whole."""
        filled = {**self.defaults[mode.id], **options}
        kept = mode.keeps_length_of
        clips: dict[str, FileStandIn] = {}
        if kept is not None and str(filled["duration"]) == "0":
            clips[kept] = FileStandIn(kind=mode.media()[kept].kind, seconds=clip_s)
        return request_for_price(mode, filled, clips)

    def _spec(self, mode: type[Mode], spec: OptionSpec, text: str) -> OptionSpec:
        default = self.defaults[mode.id].get(spec.name)
        rates = self.rates(mode)
        if default is None or not rates:
            return replace(spec, description=described(text, spec.default))
        if spec.name == "resolution":
            labels = tuple(f"{one} · {mode.rate_text(rate)}" for one, rate in rates.items())
            return replace(
                spec, default=default, choices=tuple(rates), labels=labels, description=described(text, default)
            )
        resolution = str(self.defaults[mode.id]["resolution"])
        cost = {
            length: f"{self._cost(mode, spec.name, length, rates[resolution])} at {resolution}"
            for length in {default, *spec.choices}
        }
        labels = tuple(
            first_upper(f"{length_words(spec.name, int(choice))} · {cost[choice]}") for choice in spec.choices
        )
        shown = default or WHOLE_CLIP
        return replace(spec, default=default, labels=labels, description=described(text, shown, cost[default]))

    def _cost(self, mode: type[Mode], option: str, length: str | int, rate: int) -> str:
        """Return what a video of this length costs: "$0.50", or "$0.10 a second" of a whole clip."""
        return dollars(self.example(mode, **{option: length}).microusd) if length else mode.rate_text(rate)


def _bases(money: MoneySettings) -> Mapping[str, Decimal]:
    try:
        return base_prices(money.base_prices_usd, MODES)
    except ValueError as error:
        raise SettingsRefused(f"The setting WANDA_BASE_PRICES_USD is not usable: {error}.") from None


def _texts(mode: type[Mode], descriptions: Mapping[str, str]) -> dict[str, str]:
    own = {name: info.description or "" for name, info in mode.model_fields.items()}
    return {**own, **descriptions}


def _rates(mode: type[Mode], prices: PriceTable) -> dict[str, int]:
    return {
        resolution: prices.rows[mode.id, resolution]
        for resolution in mode.rates.microusd
        if (mode.id, resolution) in prices.rows
    }


def _defaults(mode: type[Mode], stated: str, prices: PriceTable) -> Defaults:
    """Return the defaults of the mode's priced options: those in `stated` ("resolution=720p duration=5"), else its own.

    Raises:
        SettingsRefused: `stated` cannot be read.
    """
    try:
        given = _pairs(mode, stated)
        request, _ = request_for_price(mode, given, {})
    except OptionRefused as refused:
        name = f"WANDA_DEFAULT_{mode.id.replace('-', '_').upper()}"
        raise SettingsRefused(f"The setting {name} is not usable: {refused}") from None
    chosen = {name: getattr(request, name) for name in mode.priced}
    return {**chosen, "resolution": _with_a_price(chosen["resolution"], list(_rates(mode, prices)))}


def _pairs(mode: type[Mode], stated: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in stated.replace(",", " ").split()]
    for name, equals, value in pairs:
        if name not in mode.priced or not equals or not value:
            written = shortened(f"{name}{equals}{value}")
            usual = " ".join(f"{option}={mode.specs()[option].default}" for option in mode.priced)
            raise OptionRefused(f"it sets {listed(mode.priced, 'and')}, such as {usual}; {written} does not.")
    return {name: value for name, _, value in pairs}


def _with_a_price(resolution: str, known: list[str]) -> str:
    if resolution in known or not known:
        return resolution
    lower = [one for one in known if _lines(one) < _lines(resolution)]
    return max(lower, key=_lines) if lower else min(known, key=_lines)


def _lines(resolution: str) -> int:
    return int(resolution.removesuffix("p"))
