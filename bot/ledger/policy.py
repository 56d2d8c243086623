"""From the rulebook to what one member may do right now, each number with the words for the rule that gives it. Pure.

Precedence: an allowance is the member's override, else the best of their roles, else the server's default, else what
Wanda ships; a ceiling, modes, resolutions and jobs at once are those of the roles that have any, else the server's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bot.ledger import scopes
from bot.ledger.model import KINDS, Approval, Kind, Limit, Policy, Rule, Said, Shipped, Terms, Who, Window
from bot.ledger.windows import window, zone
from bot.money import dollars

_UTC = "UTC"
_SHIPPED = "Wanda's shipped default"
_SERVER = "this server's default"
_OVERRIDE = "your override"
_ASK_ABOVE_PERCENT = 20
_Found: TypeAlias = Mapping[tuple[str, str], Rule]


def terms(
    rules: Sequence[Rule],
    *,
    guild_id: int,
    member_id: int,
    role_ids: Sequence[int],
    channel_id: int,
    now: float,
    shipped: Shipped,
) -> Terms:
    """Return what the server's rules, of which the expired ones do not count, say about this member's next job."""
    found = {(rule.subject, rule.name): rule for rule in rules if rule.expires_at is None or rule.expires_at > now}
    # Of more roles than a job draws on, those with a rule count first.
    ruled = {subject for subject, _ in found}
    roles = sorted(set(role_ids), key=lambda role_id: (f"role:{role_id}" not in ruled, role_id))[: scopes.ROLES_MAX]
    who = Who(guild_id=guild_id, channel_id=channel_id, member_id=member_id, role_ids=tuple(roles))
    return _Reader(found, who, now, shipped).terms()


class _Reader:
    """The unexpired rules, as one member's job meets them."""

    def __init__(self, found: _Found, who: Who, now: float, shipped: Shipped) -> None:
        self._found = found
        self._who = who
        self._now = now
        self._shipped = shipped
        self._timezone, self._zone = self._read_timezone()

    def terms(self) -> Terms:
        """Read everything."""
        allowances = self._allowances()
        limits = (*self._operators(), *self._pools(), *allowances)
        return Terms(
            who=self._who,
            at=self._now,
            limits=tuple(sorted(limits, key=lambda limit: limit.row)),
            scopes=scopes.drawn_on(self._who),
            timezone=self._timezone,
            policy=self._policy(),
            ask_above_microusd=self._ask_above(allowances),
            ceiling_microusd=self._largest("ceiling"),
            modes=self._together("modes"),
            resolutions=self._together("resolutions"),
            at_once=self._largest("at_once"),
            blocked=self._said(f"member:{self._who.member_id}", "blocked", "a block by this server's administrators"),
            paused=self._said("server", "paused", "a pause by this server's administrators"),
            channel_closed=self._channel_closed(),
            server_allowed=not self._shipped.allowed_servers or self._who.guild_id in self._shipped.allowed_servers,
            approval=self._approval(),
            log_channel_id=self._value("server", "log_channel"),
        )

    def _value(self, subject: str, name: str) -> Any:
        rule = self._found.get((subject, name))
        return None if rule is None else rule.value

    def _said(self, subject: str, name: str, because: str) -> Said[Any] | None:
        value = self._value(subject, name)
        return None if value is None else Said(value, because)

    def _read_timezone(self) -> tuple[Said[str], ZoneInfo]:
        name = self._value("server", "timezone")
        if name is None:
            return Said(_UTC, _SHIPPED), _zone(_UTC)
        known = zone(name)
        if known is None:  # it was known when it was set: another machine, or an older tzdata
            return Said(_UTC, f"UTC, because this machine does not know {name}"), _zone(_UTC)
        return Said(name, "this server's timezone"), known

    def _operators(self) -> Iterable[Limit]:
        month = window("month", _zone(_UTC), self._now)
        caps = (
            (scopes.ALL, self._shipped.total_cap_microusd, "the operator's cap over all servers"),
            (scopes.cap(self._who.guild_id), self._shipped.server_cap_microusd, "the operator's cap for each server"),
        )
        return [Limit(scope, month, cap, because) for scope, cap, because in caps if cap is not None]

    def _pools(self) -> Iterable[Limit]:
        guild_id = self._who.guild_id
        server = scopes.server(guild_id)
        pools = self._budgets("server", server, "this server's pool")
        if not pools:
            month = window("month", self._zone, self._now)
            pools = [Limit(server, month, self._shipped.server_monthly_microusd, _SHIPPED)]
        channel_id = self._who.channel_id
        pools += self._budgets(
            f"channel:{channel_id}", scopes.channel(guild_id, channel_id), f"the pool of the channel <#{channel_id}>"
        )
        for role_id in self._who.role_ids:
            scope = scopes.role(guild_id, role_id)
            pools += self._budgets(f"role:{role_id}", scope, f"the pool of the role <@&{role_id}>")
        return pools

    def _budgets(self, subject: str, scope: str, because: str) -> list[Limit]:
        limits: list[Limit] = []
        for kind in KINDS:
            cap = self._value(subject, f"budget:{kind}")
            if cap is not None:
                limits.append(Limit(scope, window(kind, self._zone, self._now), cap, because))
        return limits

    def _allowances(self) -> list[Limit]:
        subject = f"member:{self._who.member_id}"
        scope = scopes.member(self._who.guild_id, self._who.member_id)
        raise_ = self._value(subject, "raise")
        raised: int = 0 if raise_ is None else raise_["microusd"]
        limits: list[Limit] = []
        for kind in KINDS:
            cap = self._allowance(subject, kind)
            if cap is not None:
                because = f"{cap.because}, with a raise of {dollars(raised)}" if raised else cap.because
                limits.append(Limit(scope, self._since_reset(subject, kind), cap.value + raised, because))
        return limits

    def _allowance(self, subject: str, kind: Kind) -> Said[int] | None:
        name = f"allowance:{kind}"
        said = self._said(subject, name, _OVERRIDE) or self._of_roles(name) or self._said("server", name, _SERVER)
        if (
            said is None
            and kind == "day"
            and not any(("server", f"allowance:{other}") in self._found for other in KINDS)
        ):
            return Said(self._shipped.member_daily_microusd, _SHIPPED)
        return said

    def _since_reset(self, subject: str, kind: Kind) -> Window:
        """Return the member's window, which begins no earlier than their last reset."""
        whole = window(kind, self._zone, self._now)
        reset = self._value(subject, "reset")
        # A reset in the future is that of a clock which has since gone back: it has not happened yet.
        if reset is None or reset > self._now:
            return whole
        return Window(kind, max(whole.starts_at, reset), whole.ends_at)

    def _largest(self, name: str) -> Said[int] | None:
        return self._of_roles(name) or self._said("server", name, _SERVER)

    def _together(self, name: str) -> Said[frozenset[str]] | None:
        """Return what the member's roles allow together, else what the server allows everyone."""
        have = self._roles_with(name)
        if have:
            roles = ", ".join(f"<@&{role_id}>" for role_id in have)
            names = frozenset(one for value in have.values() for one in value)
            return Said(names, f"the role{'s' if len(have) > 1 else ''} {roles}")
        value: list[str] | None = self._value("server", name)
        return None if value is None else Said(frozenset(value), _SERVER)

    def _of_roles(self, name: str) -> Said[int] | None:
        have = self._roles_with(name)
        if not have:
            return None
        best = max(have, key=lambda role_id: have[role_id])
        return Said(have[best], f"the role <@&{best}>{f' (best of {len(have)})' if len(have) > 1 else ''}")

    def _roles_with(self, name: str) -> dict[int, Any]:
        have = ((role_id, self._value(f"role:{role_id}", name)) for role_id in self._who.role_ids)
        return {role_id: value for role_id, value in have if value is not None}

    def _policy(self) -> Said[Policy]:
        value: Policy | None = self._value("server", "policy")
        return Said("absorb", _SHIPPED) if value is None else Said(value, "this server's policy")

    def _ask_above(self, allowances: Sequence[Limit]) -> Said[int]:
        own = self._said(f"member:{self._who.member_id}", "ask_above", "your own threshold")
        if own is not None:
            return own
        tightest = min(limit.cap_microusd for limit in allowances) if allowances else 0
        return Said(tightest * _ASK_ABOVE_PERCENT // 100, f"{_ASK_ABOVE_PERCENT} % of your allowance")

    def _channel_closed(self) -> Said[str] | None:
        access = {subject: rule.value for (subject, name), rule in self._found.items() if name == "access"}
        here = access.get(f"channel:{self._who.channel_id}")
        if here == "deny":
            return Said("deny", "this channel is denied by this server's administrators")
        if here is None and "allow" in access.values():
            return Said("allow", "this server's administrators allow only certain channels")
        return None

    def _approval(self) -> Said[Approval] | None:
        value = self._value("server", "approval")
        if value is None:
            return None
        approval = Approval(
            above_microusd=value["above_microusd"], role_id=value.get("role_id"), wait_s=value["wait_s"]
        )
        return Said(approval, "this server's approval rule")


def _zone(name: str) -> ZoneInfo:
    known = zone(name)
    if known is None:
        raise LookupError(f"there is no timezone {name} on this machine: install tzdata")
    return known
