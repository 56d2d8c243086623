from dataclasses import replace

import pytest

from bot.cards import routes
from bot.cards.discord_request import Trouble, trouble_of
from bot.cards.routes import Route
from bot.jobs.model import Address

NOW = 1_800_000_000.0
ADDRESS = Address(
    channel_id=1,
    message_id=2,
    application_id=3,
    token="t",
    token_expires_at=NOW + 900,
    size_limit_bytes=1,
    posted_at=NOW,
)


@pytest.mark.parametrize(
    ("age_s", "route"), [(0, "token"), (869, "token"), (871, "bot"), (3599, "bot"), (3600, "reply"), (86_400, "reply")]
)
def test_the_way_goes_by_age(age_s: float, route: Route) -> None:
    """The interaction's token is used until 30 s before it expires, the bot's for an hour, then only a reply."""
    assert routes.choose(ADDRESS, NOW + age_s, token_margin_s=30, edit_age_max_s=3600) == route


def test_no_token_means_the_bots_own() -> None:
    """A card whose interaction token has expired is edited with the bot's token from the start."""
    without = replace(ADDRESS, token="", token_expires_at=0)
    assert routes.choose(without, NOW, token_margin_s=30, edit_age_max_s=3600) == "bot"


@pytest.mark.parametrize(
    ("status", "code", "met"),
    [
        (401, 50027, "token_dead"),
        (404, 10015, "token_dead"),
        (404, 10008, "message_gone"),
        (403, 50001, "no_access"),
        (403, 50013, "no_access"),
        (403, 0, "no_access"),
        (413, 0, "too_large"),
        (400, 40005, "too_large"),
        (429, 30046, "too_old"),
        (400, 50083, "too_old"),
        (400, 160002, "no_reply"),
        (429, 0, "later"),
        (408, 0, "later"),
        (503, 0, "later"),
        (400, 50035, "broken"),
    ],
)
def test_what_a_refusal_means(status: int, code: int, met: Trouble) -> None:
    """Discord's error code decides the next route; if the code is unknown, the status does."""
    assert trouble_of(status, code) == met


@pytest.mark.parametrize("start", ["token", "bot", "reply", "new"])
def test_every_path_ends(start: Route) -> None:
    """Whatever Discord answers, no route is tried twice."""
    troubles: list[Trouble] = [
        "token_dead",
        "message_gone",
        "no_reply",
        "too_old",
        "too_large",
        "no_access",
        "broken",
    ]
    seen: set[Route] = {start}
    edge: list[Route] = [start]
    while edge:
        route = edge.pop()
        for met in troubles:
            follow = routes.after(route, met)
            assert follow != route
            if follow is not None and follow not in seen:
                seen.add(follow)
                edge.append(follow)
    order: list[Route] = ["token", "bot", "reply", "new"]
    for route in seen:
        for met in troubles:
            follow = routes.after(route, met)
            assert follow is None or order.index(follow) > order.index(route)


def test_later_means_the_same_way_again() -> None:
    """A rate limit or a server error does not change the route."""
    assert routes.after("token", "later") == "token"


def test_a_route_that_stays_busy_gives_way() -> None:
    """Webhooks may fail for hours while Discord's other routes work: then the bot's own token edits the card."""
    assert routes.worn_out("token") == "bot"
    assert [routes.worn_out(route) for route in ("bot", "reply", "new")] == [None, None, None]


@pytest.mark.parametrize("route", ["token", "bot", "reply"])
def test_a_refused_request_is_not_the_last(route: Route) -> None:
    """A request that one route will never take is tried by each of the others before the card is given up."""
    assert routes.after(route, "broken") is not None
