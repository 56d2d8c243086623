"""Presses of Chip in… on a draft's panel: only the draft's member, at the price that stands on the button."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.films.model import Draft
from bot.ledger.model import Shipped
from bot.settings import ChipInSettings, FilmSettings, JobSettings
from bot.storage.transaction import Transaction
from bot.texts import chip_in as words
from bot.texts.film_ids import DRAFT_TEMPLATE, draft_button_id
from cogs.films import chip_in, drafts, ordering, panel
from tests.support.film_samples import FILM_ID, a_draft, a_shot
from tests.support.film_world import WHO, FilmWorld

PRICE = 1_000_000


class Pressed:
    """An interaction on the draft's panel; `forms` were opened, and `panels` say what it showed."""

    def __init__(self, world: FilmWorld, *, member_id: int = 2, each_max: int = 2) -> None:
        self._world = world
        self.forms: list[Any] = []
        self.panels: list[str] = []
        self.deleted: list[int] = []
        self.guild_id, self.user = 1, SimpleNamespace(id=member_id)
        self.command, self.channel_id, self.data, self.type = None, 20, {}, None
        self.response = SimpleNamespace(defer=self.defer, send_modal=self.send_modal)
        self.followup = SimpleNamespace(delete_message=self.delete_message)
        settings = SimpleNamespace(chip_ins=ChipInSettings(each_max=each_max), films=FilmSettings(), jobs=JobSettings())
        services = SimpleNamespace(
            films=world.orders,
            chip_ins=world.chip_ins,
            store=self,
            shipped=world.shipped,
            prices=world.prices,
            settings=settings,
            clock=world.clock,
            forms=SimpleNamespace(add=self.add_form),
        )
        self.client = SimpleNamespace(services=services)

    async def defer(self, **_: Any) -> None:
        """Take the first answer."""

    async def send_modal(self, form: Any) -> None:
        """Open a form."""
        self.forms.append(form)

    def add_form(self, form: Any, requester: Any) -> None:
        """Take note of an open form, as the bot does."""

    async def delete_message(self, message_id: int) -> None:
        """Remove the card."""
        self.deleted.append(message_id)

    async def read(self, reading: Transaction[Any]) -> Any:
        """Return what the transaction reads."""
        return self._world.store.run(reading)

    async def edit_original_response(self, *, view: Any, **_: Any) -> None:
        """Note what the panel says."""
        self.panels.append("\n".join(one.content for one in view.walk_children() if hasattr(one, "content")))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[FilmWorld]:
    """Yield a world in which nobody can pay a film of $1.00 alone, and everybody may use the command."""

    async def allow(*_: Any) -> None:
        pass

    def member(interaction: Any) -> Any:
        return WHO if interaction.user.id == WHO.member_id else SimpleNamespace(guild_id=1, member_id=9)

    for module in (chip_in, panel):
        monkeypatch.setattr(module, "check_press", allow)
    monkeypatch.setattr(ordering, "check_place", allow)
    for module in (chip_in, drafts):
        monkeypatch.setattr(module, "interaction_member", member)
    world = FilmWorld(shipped=Shipped(member_daily_microusd=800_000, server_monthly_microusd=10**9))
    yield world
    world.check()
    world.store.connection.close()


def press(world: FilmWorld, microusd: int | None = PRICE, **given: Any) -> Pressed:
    """Press Chip in… of a button with this price in its id."""
    pressed = Pressed(world, **given)
    custom_id = draft_button_id("chip", FILM_ID, microusd=microusd)
    found = re.fullmatch(DRAFT_TEMPLATE, custom_id)
    assert found is not None
    world.do(panel.DraftButton(custom_id, found.groupdict()).pressed(cast("Any", pressed)))
    return pressed


def two_shots(world: FilmWorld) -> Draft:
    """Keep a draft of $1.00."""
    return world.keep(a_draft("cut", "cut"))


def test_it_asks_what_the_maker_adds(world: FilmWorld) -> None:
    """The form is filled in with all that they have."""
    two_shots(world)
    (form,) = press(world).forms
    assert form.amount.default == "0.80"


@pytest.mark.parametrize("microusd", [None, 1, PRICE - 1])
def test_another_price_than_that_on_the_button_is_shown_first(world: FilmWorld, microusd: int | None) -> None:
    """No form is opened at a price that was not read."""
    two_shots(world)
    pressed = press(world, microusd)
    assert (pressed.forms, "The price has changed" in pressed.panels[0]) == ([], True)


def test_it_can_be_off_whatever_the_press_says(world: FilmWorld) -> None:
    """A forged press is refused in words."""
    two_shots(world)
    pressed = press(world, each_max=0)
    assert pressed.forms == []
    assert words.OFF in pressed.panels[0]


def test_a_draft_that_cannot_be_made_is_not_collected_for(world: FilmWorld) -> None:
    """One shot alone is no film."""
    world.keep(a_draft("cut"))
    pressed = press(world)
    assert (pressed.forms, len(pressed.panels)) == ([], 1)


def test_a_form_of_a_film_that_changed_begins_nothing(world: FilmWorld) -> None:
    """What was typed was for another price."""
    draft = two_shots(world)
    (form,) = press(world).forms
    world.store.run(
        drafts.drafts.save_draft(
            a_draft("cut", "cut", "cut", updated_at=draft.updated_at), world.orders.draft_bounds, at=world.now
        )
    )
    submitted = Pressed(world)
    world.do(form._give(cast("Any", submitted), 500_000))  # pyright: ignore[reportPrivateUsage]
    assert words.FILM_CHANGED in submitted.panels[0]
    assert world.open_holds() == 0


def test_each_kind_of_shot_is_checked_once() -> None:
    """What the rules check of two shots that are alike is one thing."""
    alike = a_draft(shots=(a_shot(1, prompt="waves"), a_shot(2, prompt="waves")))
    assert len(ordering.kinds_of_shots(alike)) == 1
