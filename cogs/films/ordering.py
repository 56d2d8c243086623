"""From a draft to a film: the question before a costly one, and the order with its public card."""

from dataclasses import replace

from bot.catalogue.price import Quote
from bot.client import Interaction, Services
from bot.errors import Refusal, StorageError
from bot.films.model import Draft
from bot.films.quoting import FilmQuote, shot_mode
from bot.jobs.rule_query import rule_query
from bot.ledger.model import RuleQuery, Side, Who
from bot.texts import film_panel as words
from bot.texts.confirmation import budget_changes
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.films.drafts import page_of, show
from cogs.ordering.card_place import delete_second_card, second_card
from cogs.ordering.checks import CheckedQuote, check_quote, check_rules, interaction_member
from cogs.ordering.posting_rights import check_place

SIDES: tuple[tuple[str, Side], ...] = (("You", "member"), ("Server", "server"))


async def make(interaction: Interaction, draft: Draft, *, is_sure: bool, shown_microusd: int | None) -> None:
    """Order the film, or ask first if it is costly; the answer is deferred already.

    Another price than the one that stood on the button is asked about too, also of whoever was sure.

    Raises:
        Refusal: it cannot be made now; nothing was held, and the draft stays.
        StorageError: likewise.
    """
    services, who = interaction.client.services, interaction_member(interaction)
    quoted = services.films.price(draft)
    await check_places(interaction, draft)
    checked = await _checked(services, who, draft, quoted)
    if shown_microusd != quoted.microusd or (checked.needs_confirmation and not is_sure):
        changes = [
            change for name, side in SIDES for change in budget_changes(name, side, checked.view, checked.decision)
        ]
        panel = words.question_panel(
            await page_of(interaction, draft),
            changes,
            above_microusd=checked.view.terms.confirm_above_microusd.value,
            needs_approval=checked.decision.needs_approval,
            before_microusd=None if shown_microusd == quoted.microusd else shown_microusd,
        )
        await show(interaction, panel)
        return
    begun = words.WAITS if checked.decision.needs_approval else words.BEGUN
    await _order(interaction, draft, who, begun)


async def check_places(interaction: Interaction, draft: Draft) -> None:
    """Check that the member may make every kind of shot of the draft here; raises as `check_place`."""
    for mode_id in sorted({query.mode for query in kinds_of_shots(draft)}):
        await check_place(interaction, mode_id)


def kinds_of_shots(draft: Draft) -> list[RuleQuery]:
    """Return what the rules check of each kind of shot that is still to be made."""
    found = {rule_query(shot_mode(draft, shot)) for shot in draft.shots if shot.made is None}
    return sorted(found, key=lambda query: query.mode)


async def _checked(services: Services, who: Who, draft: Draft, quoted: FilmQuote) -> CheckedQuote:
    """Check the sum and the number of shots against the rules and budgets, and each kind of shot against the rules."""
    queries = kinds_of_shots(draft)
    for query in queries:
        await check_rules(services, who, query)
    shots = [shot for shot in draft.shots if shot.made is None]
    total = Quote(
        microusd=quoted.microusd, formula="", prices_version=services.prices.version, videos=max(1, len(shots))
    )
    return await check_quote(services, who, queries[0], total)


async def _order(interaction: Interaction, draft: Draft, who: Who, begun: str) -> None:
    """Post a card, make the film on it and say so; if it is refused, the card goes and the draft stays."""
    services = interaction.client.services
    async with under_way(services, replace(acknowledgement_of(interaction, "placeholder"), id=draft.id)):
        card = await second_card(interaction)
        try:
            await services.films.order(draft, who, card)
        except (Refusal, StorageError):
            await delete_second_card(interaction, card)
            raise
    await show(interaction, words.said_panel(begun, draft.id))
