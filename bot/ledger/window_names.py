"""The names of a budget's windows in sentences."""

from collections.abc import Mapping

from bot.ledger.model import WindowKind

IN_WINDOW: Mapping[WindowKind, str] = {"day": "today", "week": "this week", "month": "this month", "ever": "in all"}
EACH_WINDOW: Mapping[str, str] = {
    "day": "for each day",
    "week": "for each week",
    "month": "for each month",
    "ever": "for ever",
}
