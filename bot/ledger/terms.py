"""Applies a server's rules to one member in one channel; each number comes with the rule that gave it.

Precedence of an allowance: the member's override, the best of their roles, the server's default, Wanda's default.
Precedence of a ceiling, modes, resolutions and jobs at once: the member's roles, then the server.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bot.ledger import scopes
from bot.ledger.model import (
    WINDOW_KINDS,
    Approval,
    ContentTerms,
    Limit,
    Policy,
    Rule,
    Ruled,
    Shipped,
    Source,
    Terms,
    Who,
    Window,
    WindowKind,
)
from bot.ledger.rule_values import CONFIRM_ABOVE
from bot.ledger.windows import day_of, running_window, window, window_on, zone
from bot.money import exact_dollars

_UTC = "UTC"
_SHIPPED = Source.of("shipped", "Wanda's default")
_SERVER = Source.of("server", "this server's default")
_OVERRIDE = Source("member", "your own allowance", "their own allowance")
_THRESHOLD = Source("member", "your own choice", "their own choice")
_CONFIRM_ABOVE_PERCENT = 20
_SHARE = Source(
    "shipped",
    f"{_CONFIRM_ABOVE_PERCENT} % of your allowance",
    f"{_CONFIRM_ABOVE_PERCENT} % of their allowance",
)
_BLOCK = Source.of("server", "a block by this server's admins")
_PAUSE = Source.of("server", "a pause by this server's admins")
_POLICY = Source.of("server", "this server's policy")
_ABSORBED = Source.of("server", "this server's bound")
_APPROVAL = Source.of("server", "this server's approval rule")
_DENIED = Source.of("server", "this server's admins closed it")
_NOT_ALLOWED = Source.of("server", "this server's admins opened only certain channels")
_TIMEZONE = Source.of("server", "this server's time zone")
_POOL = Source.of("server", "this server's pool")
_ALLOWANCES: Mapping[WindowKind, str] = {kind: f"allowance:{kind}" for kind in WINDOW_KINDS}
_BUDGETS: Mapping[WindowKind, str] = {kind: f"budget:{kind}" for kind in WINDOW_KINDS}
_Values: TypeAlias = Mapping[str, Any]  # of one subject, by the rule's name
_NONE: _Values = {}


def terms(
    rules: Sequence[Rule],
    who: Who,
    *,
    now: float,
    shipped: Shipped,
    kept: Sequence[Window] = (),
    erased_id: int | None = None,
) -> Terms:
    """Return the terms for this member's next job; expired rules do not count.

    `kept` are the windows that began in the server's timezone of before.
    """
    found: dict[str, dict[str, Any]] = {}
    for rule in rules:
        if rule.expires_at is None or rule.expires_at > now:
            found.setdefault(rule.subject, {})[rule.name] = rule.value
    if who.role_ids:
        # A job draws on at most `ROLES_MAX` roles: those with a rule go first.
        roles = sorted(set(who.role_ids), key=lambda role_id: (f"role:{role_id}" not in found, role_id))
        who = replace(who, role_ids=tuple(roles[: scopes.ROLES_MAX]))
    return _Reader(found, who, now, shipped, kept).terms(erased_id)


class _Reader:
    """Applies the unexpired rules to one member's job."""

    def __init__(
        self, found: Mapping[str, _Values], who: Who, now: float, shipped: Shipped, kept: Sequence[Window]
    ) -> None:
        self._found = found
        self._server = found.get("server", _NONE)
        self._member = found.get(f"member:{who.member_id}", _NONE)
        ruled = ((role_id, found.get(f"role:{role_id}", _NONE)) for role_id in who.role_ids)
        self._roles = {role_id: values for role_id, values in ruled if values}
        self._who = who
        self._now = now
        self._shipped = shipped
        self._timezone, self._zone = self._read_timezone()
        self._kept = {one.kind: one for one in kept}
        self._day = day_of(self._zone, now)

    def terms(self, erased_id: int | None) -> Terms:
        """Return all terms."""
        allowances = self._allowances()
        limits = (*self._operators(), *self._pools(), *allowances)
        return Terms(
            who=self._who,
            at=self._now,
            limits=tuple(sorted(limits, key=lambda limit: limit.row)),
            scopes=scopes.drawn_on(self._who),
            timezone=self._timezone,
            policy=self._policy(),
            absorbed_daily_microusd=_said(self._server, "absorbed", _ABSORBED)
            or Ruled(self._shipped.absorbed_daily_microusd, _SHIPPED),
            confirm_above_microusd=self._confirm_above(allowances),
            ceiling_microusd=self._largest("ceiling"),
            modes=self._together("modes"),
            resolutions=self._together("resolutions"),
            at_once=self._largest("at_once"),
            blocked=_said(self._member, "blocked", _BLOCK),
            paused=_said(self._server, "paused", _PAUSE),
            channel_closed=self._channel_closed(),
            server_allowed=not self._shipped.allowed_servers or self._who.guild_id in self._shipped.allowed_servers,
            approval=self._approval(),
            content=self._content(),
            erased_id=erased_id,
        )

    def _read_timezone(self) -> tuple[Ruled[str], ZoneInfo]:
        name = self._server.get("timezone")
        if name is None:
            return Ruled(_UTC, _SHIPPED), _zone(_UTC)
        known = zone(name)
        if known is None:  # set on another machine, or with another tzdata
            return Ruled(_UTC, Source.of("server", f"UTC, because this machine does not know {name}")), _zone(_UTC)
        return Ruled(name, _TIMEZONE), known

    def _operators(self) -> Iterable[Limit]:
        if self._shipped.total_cap_microusd is None and self._shipped.server_cap_microusd is None:
            return ()
        month = window("month", _zone(_UTC), self._now)
        caps = (
            (scopes.ALL, self._shipped.total_cap_microusd, "Wanda's own limit for all servers"),
            (scopes.cap(self._who.guild_id), self._shipped.server_cap_microusd, "the operator's cap for each server"),
        )
        return [Limit(scope, month, cap, Source.of("operator", name)) for scope, cap, name in caps if cap is not None]

    def _pools(self) -> Iterable[Limit]:
        guild_id = self._who.guild_id
        server = scopes.server(guild_id)
        pools = self._budgets(self._server, server, _POOL)
        if not pools:
            month = self._window("month")
            pools = [Limit(server, month, self._shipped.server_monthly_microusd, _SHIPPED)]
        channel_id = self._who.channel_id
        channel = self._found.get(f"channel:{channel_id}", _NONE)
        scope = scopes.channel(guild_id, channel_id)
        pools += self._budgets(channel, scope, Source.of("channel", f"the pool of the channel <#{channel_id}>"))
        for role_id, values in self._roles.items():
            source = Source.of("role", f"the pool of the role <@&{role_id}>")
            pools += self._budgets(values, scopes.role(guild_id, role_id), source)
        return pools

    def _budgets(self, values: _Values, scope: str, source: Source) -> list[Limit]:
        if not values:
            return []
        return [
            Limit(scope, self._window(kind), values[name], source) for kind, name in _BUDGETS.items() if name in values
        ]

    def _allowances(self) -> list[Limit]:
        scope = scopes.member(self._who.guild_id, self._who.member_id)
        raise_ = self._member.get("raise")
        raised: int = 0 if raise_ is None else raise_["microusd"]
        limits: list[Limit] = []
        for kind in WINDOW_KINDS:
            cap = self._allowance(kind)
            if cap is not None:
                source = _with_raise(cap.source, raised) if raised else cap.source
                limits.append(Limit(scope, self._since_reset(kind), cap.value + raised, source))
        return limits

    def _allowance(self, kind: WindowKind) -> Ruled[int] | None:
        name = _ALLOWANCES[kind]
        said = _said(self._member, name, _OVERRIDE) or self._largest(name)
        if said is None and kind == "day" and self._server.keys().isdisjoint(_ALLOWANCES.values()):
            return Ruled(self._shipped.member_daily_microusd, _SHIPPED)
        return said

    def _window(self, kind: WindowKind) -> Window:
        kept = self._kept.get(kind)
        if kept is None:
            return window_on(kind, self._zone, self._day)
        return running_window(kind, self._zone, self._now, kept)

    def _since_reset(self, kind: WindowKind) -> Window:
        """Return the member's window; it starts no earlier than their last reset."""
        whole = self._window(kind)
        reset = self._member.get("reset")
        # A reset in the future comes from a clock that was set back since: it does not count yet.
        if reset is None or reset > self._now:
            return whole
        return Window(kind, max(whole.starts_at, reset), whole.ends_at)

    def _largest(self, name: str) -> Ruled[int] | None:
        have = self._roles_with(name)
        if not have:
            return _said(self._server, name, _SERVER)
        best = max(have, key=lambda role_id: have[role_id])
        best_of = f" (best of {len(have)})" if len(have) > 1 else ""
        return Ruled(have[best], Source.of("role", f"the role <@&{best}>{best_of}"))

    def _together(self, name: str) -> Ruled[frozenset[str]] | None:
        """Return the union of what the member's roles allow, else what the server allows everyone."""
        have = self._roles_with(name)
        if have:
            roles = ", ".join(f"<@&{role_id}>" for role_id in have)
            names = frozenset(one for value in have.values() for one in value)
            return Ruled(names, Source.of("role", f"the role{'s' if len(have) > 1 else ''} {roles}"))
        value: list[str] | None = self._server.get(name)
        return None if value is None else Ruled(frozenset(value), _SERVER)

    def _roles_with(self, name: str) -> dict[int, Any]:
        if not self._roles:
            return {}
        return {role_id: values[name] for role_id, values in self._roles.items() if name in values}

    def _policy(self) -> Ruled[Policy]:
        value: Policy | None = self._server.get("policy")
        return Ruled("absorb", _SHIPPED) if value is None else Ruled(value, _POLICY)

    def _confirm_above(self, allowances: Sequence[Limit]) -> Ruled[int]:
        own = _said(self._member, CONFIRM_ABOVE, _THRESHOLD)
        if own is not None:
            return own
        tightest = min(limit.cap_microusd for limit in allowances) if allowances else 0
        return Ruled(tightest * _CONFIRM_ABOVE_PERCENT // 100, _SHARE)

    def _channel_closed(self) -> Ruled[str] | None:
        access = {subject: values["access"] for subject, values in self._found.items() if "access" in values}
        here = access.get(f"channel:{self._who.channel_id}")
        if here == "deny":
            return Ruled("deny", _DENIED)
        if here is None and "allow" in access.values():
            return Ruled("allow", _NOT_ALLOWED)
        return None

    def _content(self) -> ContentTerms:
        words = [self._server.get("words", ()), *(values.get("words", ()) for values in self._roles.values())]
        return ContentTerms(
            words=tuple(dict.fromkeys(word for of_one in words for word in of_one)),
            safety_optional=not self._is_strict("safety", "on", shipped=True),
            always_spoiler=self._is_strict("spoiler", "always"),
            age_restricted_only=self._is_strict("age", "restricted"),
            prompt_log_id=self._server.get("prompt_log"),
        )

    def _is_strict(self, name: str, strict: str, *, shipped: bool = False) -> bool:
        """Return whether the strict value holds; a role's goes before the server's, and of several roles the other."""
        of_roles = self._roles_with(name)
        if of_roles:
            return all(value == strict for value in of_roles.values())
        return self._server[name] == strict if name in self._server else shipped

    def _approval(self) -> Ruled[Approval] | None:
        value = self._server.get("approval")
        if value is None:
            return None
        approval = Approval(
            above_microusd=value["above_microusd"],
            role_id=value.get("role_id"),
            wait_s=value["wait_s"],
            own=value.get("own", False),
        )
        return Ruled(approval, _APPROVAL)


def _said(values: _Values, name: str, source: Source) -> Ruled[Any] | None:
    return Ruled(values[name], source) if name in values else None


def _with_raise(source: Source, raised_microusd: int) -> Source:
    added = f", with a raise of {exact_dollars(raised_microusd)}"
    return Source(source.setter, f"{source.to_member}{added}", f"{source.to_others}{added}")


def _zone(name: str) -> ZoneInfo:
    known = zone(name)
    if known is None:
        raise LookupError(f"there is no timezone {name} on this machine: install tzdata")
    return known
