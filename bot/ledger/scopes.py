"""Scopes: whose money a job draws on, as text. Only this module composes and parses them."""

from bot.ledger.model import Side, Terms, Who

ALL = "all"  # the operator's cap over all servers
ROLES_MAX = 100  # roles of a member that a job draws on


def cap(guild_id: int) -> str:
    """Return the scope of the operator's cap for one server."""
    return f"cap:{guild_id}"


def server(guild_id: int) -> str:
    """Return the scope of a server's pool."""
    return f"server:{guild_id}"


def role(guild_id: int, role_id: int) -> str:
    """Return the scope of a role's pool."""
    return f"role:{guild_id}:{role_id}"


def channel(guild_id: int, channel_id: int) -> str:
    """Return the scope of a channel's pool."""
    return f"channel:{guild_id}:{channel_id}"


def member(guild_id: int, member_id: int) -> str:
    """Return the scope of a member's allowance."""
    return f"member:{guild_id}:{member_id}"


def erased(terms: Terms) -> str | None:
    """Return the scope of what the member drew before they deleted their data."""
    return None if terms.erased_id is None else member(terms.who.guild_id, terms.erased_id)


def most_drawn_on(who: Who, erased_id: int) -> tuple[str, ...]:
    """Return the scopes of the limits that nearly every job has; `erased_id` as in `Terms`."""
    members = (member(who.guild_id, member_id) for member_id in (who.member_id, erased_id))
    return (server(who.guild_id), *members)


def grant(grant_id: str) -> str:
    """Return the scope of a grant."""
    return f"grant:{grant_id}"


def of_subject(guild_id: int, subject: str) -> str:
    """Return the scope of the subject's pool (`server`, `role:<id>` or `channel:<id>`); "" for other subjects."""
    kind, _, identity = subject.partition(":")
    if kind == "server":
        return server(guild_id)
    return f"{kind}:{guild_id}:{identity}" if kind in {"role", "channel"} else ""


def member_id_in(subject: str) -> int | None:
    """Return the member of a rule's or act's subject: 42 for `member:42`; None for other subjects."""
    return int(subject.removeprefix("member:")) if subject.startswith("member:") else None


def side(scope: str) -> Side:
    """Return whose money it is: allowances and grants are the member's, everything else is the server's."""
    return "member" if scope.startswith(("member:", "grant:")) else "server"


def drawn_on(who: Who) -> tuple[str, ...]:
    """Return every scope that a member's job draws on, the server's first, with at most `ROLES_MAX` roles.

    Grants are not included. Nor are the operator's caps: draws on the server's pool count for them.
    """
    roles = (role(who.guild_id, role_id) for role_id in dict.fromkeys(who.role_ids[:ROLES_MAX]))
    pools = (server(who.guild_id), *roles, channel(who.guild_id, who.channel_id))
    return (*pools, member(who.guild_id, who.member_id))


def counted_in(scope: str) -> tuple[str, ...]:
    """Return the scopes whose budgets a draw on this scope counts for."""
    return (scope, f"cap:{scope.removeprefix('server:')}", ALL) if scope.startswith("server:") else (scope,)


def counted_from(scope: str) -> str:
    """Return the scope whose draws a budget of this scope is the sum of; for `ALL` it is every server's."""
    return f"server:{scope.removeprefix('cap:')}" if scope.startswith("cap:") else scope
