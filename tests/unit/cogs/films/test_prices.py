"""Presses below a film at another price than the button says."""

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.storage.transaction import Transaction
from bot.texts.film_ids import FILM_TEMPLATE, REDO_TEMPLATE, film_button_id, redo_button_id
from cogs.films.film_buttons import FilmButton, RedoButton
from tests.support.film_samples import FILM_ID, a_draft
from tests.support.film_world import FilmWorld


class Pressed:
    """An interaction of the film's maker; `said` are the titles and texts of its answers.

    With `on_question` the button stands on the private question, which the answer replaces unless it is `thinking`.
    """

    def __init__(self, world: FilmWorld, *, on_question: bool = False) -> None:
        self._world = world
        self.said: list[str] = []
        self.thinking: list[bool] = []
        self.message = SimpleNamespace(flags=SimpleNamespace(ephemeral=on_question))
        self.id = self.application_id = self.channel_id = self.guild_id = 1
        self.token = ""
        self.user = SimpleNamespace(id=2)
        self.response = SimpleNamespace(defer=self.defer)
        services = SimpleNamespace(films=world.orders, store=self, clock=world.clock)
        self.client = SimpleNamespace(services=services)

    async def defer(self, *, ephemeral: bool = False, thinking: bool = False) -> None:
        """Take the first answer."""
        del ephemeral
        self.thinking.append(thinking)

    async def read(self, reading: Transaction[Any]) -> Any:
        """Return what the transaction reads."""
        return self._world.store.run(reading)

    async def write(self, writing: Transaction[Any], *, guild_id: int | None) -> None:
        """Keep nothing of the acknowledgement."""
        del writing, guild_id

    async def edit_original_response(self, *, embed: Any, view: Any, content: str | None = None) -> None:
        """Note the answer."""
        del content
        labels = [item.label for item in view.children]
        self.said += [embed.title, embed.description, *labels]


def parts_of(template: str, custom_id: str) -> dict[str, str]:
    """Return what the button's id says."""
    found = re.fullmatch(template, custom_id)
    assert found is not None
    return found.groupdict()


@pytest.mark.parametrize(
    ("shown", "text"),
    [(100_000, "The price has changed: it was $0.10, and it's $0.50 now."), (None, "It costs $0.50 now.")],
)
@pytest.mark.parametrize("on_question", [False, True])
def test_another_try_at_another_price_is_asked_about(shown: int | None, text: str, *, on_question: bool) -> None:
    """Nothing is held, and the new button has the price of now; one of old says no price, so it asks too.

    A question replaces the question that was pressed, and the public card stays.
    """
    world = FilmWorld()
    film = world.order(a_draft("cut", "cut"))
    world.come_to(film.take(1).job_id, "failed")
    world.drive()
    custom_id = film_button_id("retry", FILM_ID, film.take(1).shot.id, microusd=shown)
    pressed = Pressed(world, on_question=on_question)
    world.do(FilmButton(custom_id, parts_of(FILM_TEMPLATE, custom_id)).pressed(cast("Any", pressed)))
    assert (pressed.said, pressed.thinking) == (["Try shot 1 again?", text, "Try again · $0.50"], [not on_question])
    assert world.film().take(1).number == 0
    world.store.connection.close()


def test_a_redo_at_another_price_is_asked_about() -> None:
    """The question is shown again with the prices of now, and nothing is made."""
    world = FilmWorld()
    film = world.order(a_draft("cut", "cut"))
    world.make_all()
    custom_id = redo_button_id("seed", "one", FILM_ID, film.take(1).shot.id, microusd=300_000)
    pressed = Pressed(world)
    world.do(RedoButton(custom_id, parts_of(REDO_TEMPLATE, custom_id)).pressed(cast("Any", pressed)))
    assert pressed.said[1].startswith("The price has changed: it was $0.30, and it's $0.50 now.")
    assert pressed.said[2:] == ["New seed · $0.50", "Edit · $0.50"]
    assert (world.film().state, world.unfinished()) == ("done", [])
    world.store.connection.close()
