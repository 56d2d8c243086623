"""The base of every mode: one pydantic model defines the command, the rules, the payload and the price."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from bot.catalogue.fields import Attached, OptionSpec, media_specs, option_specs
from bot.catalogue.limits import NOUNS, check_media
from bot.catalogue.phrases import length_words
from bot.catalogue.price import MICROSECONDS_PER_S, PriceTable, Quote, Rates, ceiling, seconds_text
from bot.errors import OptionRefused
from bot.media_spec import MediaFacts, MediaSpec
from bot.money import AMOUNT_MAX_MICROUSD, exact_dollars

LENGTHS = ("duration", "num_frames")  # every mode has one of them
# What a card always shows, in this order, where the mode has it.
CARD_OPTIONS = ("resolution", "duration", "num_frames", "frames_per_second", "aspect_ratio")
LABELS = {
    "num_frames": "Frames",
    "enable_prompt_expansion": "Prompt rewriting",
}  # for options whose own name does not read well
UNITS_ROUNDING = Fraction(1, 100)  # fal's header is a decimal of unknown precision
WRITTEN = ("prompt", "negative_prompt")
LONG_OPTIONS = frozenset(WRITTEN)
SAFETY_OPTIONS = ("enable_safety_checker", "enable_output_safety_checker")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """One command of a mode: it has the mode's options but those in `without`, and also requires those in `needs`.

    `descriptions` are those of options that mean something else here than the mode's own say. `purpose` and `example`
    are for /help: what the command is for, and a prompt.
    """

    name: str
    summary: str
    purpose: str = ""
    example: str = ""
    needs: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    descriptions: Mapping[str, str] = field(default_factory=dict[str, str])


class Mode(BaseModel, ABC):
    """One fal endpoint; an instance is one request whose options keep the rules of the endpoint's page.

    The fields are the slash command's options, named as fal names them, except that a file option drops `_url`; they
    stand in the order of use, which is the picker's. An option that was not given is left out of the payload, so that
    fal's default applies. The options in `priced` are always sent: a default which fal changes cannot change what a
    quoted video costs, and their defaults here are not fal's dearest but the cheapest that looks good.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    endpoint: ClassVar[str]
    rates: ClassVar[Rates]
    priced: ClassVar[tuple[str, ...]]
    # What /help says: what the mode is for, and a prompt for it.
    purpose: ClassVar[str] = ""
    example_prompt: ClassVar[str] = ""
    # An option for `python -m bot price` to fill where the mode needs one of several files and none is named.
    stand_in: ClassVar[str | None] = None
    # The file whose length the video has where its duration is 0.
    keeps_length_of: ClassVar[str | None] = None

    @classmethod
    def command(cls) -> tuple[str, str]:
        """Return the slash command's group and name: ("wan27", "image")."""
        family, _, name = cls.id.partition("-")
        return family, name

    @classmethod
    def slash_commands(cls) -> tuple[SlashCommand, ...]:
        """Return the commands that make this mode's videos: one, unless a mode has several ways to begin."""
        own = SlashCommand(name=cls.command()[1], summary=cls.summary, purpose=cls.purpose, example=cls.example_prompt)
        return (own,)

    @classmethod
    def slash_command_of(cls, files: Iterable[str]) -> str:
        """Return the name of the command that takes files in these options: "/wan27 continue"."""
        return f"/{cls.family()} {cls.command_for(files).name}"

    @classmethod
    def command_for(cls, files: Iterable[str]) -> SlashCommand:
        """Return the first command that takes files in these options."""
        given = frozenset(files)
        return next((one for one in cls.slash_commands() if not one.without & given), cls.slash_commands()[0])

    @classmethod
    def family(cls) -> str:
        """Return the slash command's group, which is also how settings name a price: "wan27"."""
        return cls.command()[0]

    @classmethod
    def specs(cls) -> Mapping[str, OptionSpec]:
        """Return every option by name, in the order of declaration."""
        return option_specs(cls)

    @classmethod
    def media(cls) -> Mapping[str, MediaSpec]:
        """Return what each file option takes, by name, in the order of declaration."""
        return media_specs(cls)

    def attached(self) -> dict[str, Attached]:
        """Return the files that were given, by option."""
        given = {name: getattr(self, name) for name in self.media()}
        return {name: file for name, file in given.items() if isinstance(file, Attached)}

    def options(self) -> dict[str, Any]:
        """Return the options that were given, without files, and always the priced ones, as JSON values.

        `registry.build` makes an equal request from them.
        """
        kept = self.model_fields_set | set(self.priced)
        given = {name: getattr(self, name) for name in self.specs() if name in kept and name not in self.media()}
        return {name: value for name, value in given.items() if value is not None}

    def check(self, facts: Mapping[str, MediaFacts]) -> None:
        """Check that every attached file, by option, is what the mode takes.

        Raises:
            MediaRefused: one is not.
        """
        for name in self.attached():
            check_media(self.media()[name], facts[name], this=self._this(name))
        self.check_rules(facts)

    def check_rules(self, facts: Mapping[str, MediaFacts]) -> None:
        """Check the rules between files and options, after each file alone; a mode with such rules overrides it."""

    def quote(self, facts: Mapping[str, MediaFacts], prices: PriceTable) -> Quote:
        """Return what this request costs with these probed files.

        Raises:
            ModeOff: the price is not known.
            OptionRefused: it is above $1,000,000, the most that can be held.
        """
        rate = self.rate(getattr(self, "resolution"), prices)  # noqa: B009 - every mode has it, each with its own choices
        microusd = ceiling(self.units(facts) * rate)
        if microusd > AMOUNT_MAX_MICROUSD:
            most = exact_dollars(AMOUNT_MAX_MICROUSD)
            raise OptionRefused(
                f"This video would cost more than {most}, the most for one. Attach shorter files and try again."
            )
        return Quote(
            microusd=microusd,
            formula=self.formula(rate, facts),
            prices_version=prices.version,
        )

    def priced_by_files(self) -> bool:
        """Whether the price depends on the files, so that they must be read first."""
        return False

    def billed_microusd(self, units: float, facts: Mapping[str, MediaFacts], quote_microusd: int) -> int:
        """Return what the billable units that fal reports cost.

        fal's pages do not say whether a dearer resolution counts as more units or as dearer ones. If fal reports as
        many units as the request has, the quote holds; otherwise each reported unit costs `rates.unit_microusd`, moved
        as far as the quote is from the shipped price.
        """
        reported, units_asked = Fraction(repr(units)), self.units(facts)
        if abs(reported - units_asked) <= UNITS_ROUNDING:
            return quote_microusd
        shipped = units_asked * self.rates.microusd[getattr(self, "resolution")]  # noqa: B009 - every mode has it
        moved = Fraction(1) if quote_microusd == ceiling(shipped) else quote_microusd / shipped
        return ceiling(reported * self.rates.unit_microusd * moved)

    @abstractmethod
    def units(self, facts: Mapping[str, MediaFacts]) -> Fraction:
        """Return how many units of `rates.unit` the request is: seconds, or videos."""

    @abstractmethod
    def formula(self, rate: int, facts: Mapping[str, MediaFacts]) -> str:
        """Return the price in words, at `rate` micro-dollars a unit: "5 s × $0.15"."""

    @abstractmethod
    def output_seconds(self, facts: Mapping[str, MediaFacts]) -> float:
        """Return how long the video will play, in seconds, made of these probed files."""

    @classmethod
    def rate_text(cls, rate: int) -> str:
        """Return what one unit costs, in few words: "$0.08 per 16 frames"."""
        return f"{exact_dollars(rate)} {cls.rates.unit}"

    def payload(self, urls: Mapping[str, str]) -> dict[str, Any]:
        """Return fal's exact input; `urls` has the storage URL of every attached file, by option."""
        return self.options() | self.media_payload(urls)

    def media_payload(self, urls: Mapping[str, str]) -> dict[str, Any]:
        """Return the files' part of the payload."""
        return {f"{name}_url": urls[name] for name in self.attached()}

    def describe(self) -> list[tuple[str, str]]:
        """Return the labels and values that a card shows: `CARD_OPTIONS` first, then every other given option."""
        shaping = [name for name in CARD_OPTIONS if name in self.specs() and getattr(self, name) is not None]
        # fal's safety check is on in every video but where somebody switched it off.
        left_out = {*LONG_OPTIONS, *shaping, *(name for name in SAFETY_OPTIONS if getattr(self, name, False) is True)}
        chosen = [name for name in self.options() if name not in left_out]
        return [(LABELS.get(name, name.replace("_", " ").capitalize()), self._shown(name)) for name in shaping + chosen]

    def rate(self, resolution: str, prices: PriceTable) -> int:
        """Return the micro-dollars of one unit; raises ModeOff when they are not known."""
        return prices.rate(self.id, resolution, title=self.title)

    def _shown(self, name: str) -> str:
        value = getattr(self, name)
        if isinstance(value, bool):
            return "on" if value else "off"
        return length_words(name, value) if name == "duration" else str(value)

    def _this(self, name: str) -> str:
        """Return how a sentence names the file: "This clip" if it is the only one of its kind."""
        noun = NOUNS[self.media()[name].kind]
        same_kind = [other for other in self.attached() if self.media()[other].kind == self.media()[name].kind]
        return f"This {noun}" if len(same_kind) <= 1 else f"The {noun} in {name}"


class PerSecond(Mode):
    """A mode billed by the second of video at its resolution's rate. It has an option `duration`, in seconds."""

    @classmethod
    def rate_text(cls, rate: int) -> str:
        """Return "$0.15 a second"."""
        return f"{exact_dollars(rate)} a second"

    def units(self, facts: Mapping[str, MediaFacts]) -> Fraction:
        """Return the seconds of the video and of the input that fal charges for."""
        return Fraction(self.charged_input_us(facts), MICROSECONDS_PER_S) + self._duration()

    def charged_input_us(self, facts: Mapping[str, MediaFacts]) -> int:
        """Return how many microseconds of the attached files fal charges for: none, unless a mode overrides it."""
        del facts
        return 0

    def formula(self, rate: int, facts: Mapping[str, MediaFacts]) -> str:
        """Return "5 s × $0.15", or "(8 s in + 3 s out) × $0.10" where input is charged."""
        input_us = self.charged_input_us(facts)
        output = f"{self._duration()} s"
        seconds = f"({seconds_text(input_us)} s in + {output} out)" if input_us else output
        return f"{seconds} × {exact_dollars(rate)}"

    def output_seconds(self, facts: Mapping[str, MediaFacts]) -> float:
        """Return the duration."""
        del facts
        return float(self._duration())

    def _duration(self) -> int:
        return getattr(self, "duration")  # noqa: B009 - every such mode has it, each with its own bounds
