"""The two buttons below a page of a list."""

from collections.abc import Callable

from bot.texts.card import Button


def page_buttons(id_at: Callable[[str], str], *, cursor: str, older: str | None) -> tuple[Button, ...]:
    """Return Newest and Older, or nothing when there is one page only.

    `id_at` gives the custom id for a cursor. `cursor` is this page's own, "" for the newest; `older` is the next
    page's, None for the last. The ids hold all that a press needs, so the buttons work after a restart too.
    """
    if older is None and not cursor:
        return ()
    # Discord takes no two buttons with one custom id, and a disabled one still needs its own.
    return (
        Button("Newest", "secondary", id_at(""), disabled=not cursor),
        Button("Older", "secondary", id_at(older or "none"), disabled=older is None),
    )
