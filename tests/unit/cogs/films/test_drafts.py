"""What the panel of a draft is drawn from."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.ledger.model import Shipped, Who
from bot.settings import Settings
from bot.storage.transaction import Transaction
from cogs.films import drafts
from tests.support.film_samples import a_draft
from tests.support.film_world import WHO, FilmWorld


@pytest.mark.parametrize(("joinings", "may_ask"), [(("cut",), False), (("cut", "cut"), True)])
async def test_nobody_is_sent_to_an_admin_without_a_button(
    joinings: tuple[Any, ...], *, may_ask: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film that still lacks something cannot be asked for, however much it costs, so the panel does not say so."""
    world = FilmWorld(shipped=Shipped(member_daily_microusd=400_000, server_monthly_microusd=10**9))

    async def read(reading: Transaction[Any]) -> Any:
        return world.store.run(reading)

    def member(_: object) -> Who:
        return WHO

    monkeypatch.setattr(drafts, "interaction_member", member)
    services = SimpleNamespace(
        store=SimpleNamespace(read=read),
        prices=world.prices,
        settings=Settings(),
        shipped=world.shipped,
        clock=world.clock,
    )
    interaction = cast("Any", SimpleNamespace(client=SimpleNamespace(services=services)))
    page = await drafts.page_of(interaction, a_draft(*joinings))
    assert (page.may_ask, "ask an admin" in page.left) == (may_ask, may_ask)
    assert "Choose fewer, shorter or smaller shots" in page.left
    world.store.connection.close()
