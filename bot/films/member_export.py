"""A member's films and drafts of films as JSON values, for `/privacy`."""

import json
from typing import Any

from bot.films.drafts import drafts_everywhere
from bot.films.model import Draft, Film, draft_body, film_body
from bot.films.transactions import films_everywhere
from bot.storage.transaction import Transaction


def films_for_export(member_id: int, *, limit: int) -> Transaction[list[dict[str, Any]]]:
    """Return the member's latest films in all servers, then their drafts; the shots' jobs are exported as all jobs."""
    films = yield from films_everywhere(member_id, limit=limit)
    drafts = yield from drafts_everywhere(member_id, limit=limit)
    return [*map(_film_values, films), *map(_draft_values, drafts)]


def _film_values(film: Film) -> dict[str, Any]:
    """Return the film without the interaction token of its message."""
    values: dict[str, Any] = json.loads(film_body(film))
    values["address"] = {name: value for name, value in values["address"].items() if name != "token"}
    return values


def _draft_values(draft: Draft) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(draft_body(draft))
    return values
