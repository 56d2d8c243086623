"""What whoever runs Wanda reads, in their channel and in the log, of what is wrong with fal and of its end."""

from collections.abc import Sequence

from bot.catalogue.registry import MODE_TITLES
from bot.jobs.alarms import Alarm
from bot.texts.plain import span

MESSAGE_CHARS_MAX = 1900


def fitting(alarms: Sequence[Alarm]) -> Sequence[Alarm]:
    """Return the first of these alarms, as many as one message tells whole, and at least one."""
    chars = 0
    for number, one in enumerate(alarms):
        chars += len(_with_sign(one)) + 1
        if number and chars > MESSAGE_CHARS_MAX:
            return alarms[:number]
    return alarms


def news(alarms: Sequence[Alarm]) -> str:
    """Return one message about these alarms, which fit: what is new, and what is over."""
    return "\n".join(map(_with_sign, alarms))


def _with_sign(alarm: Alarm) -> str:
    return f"{'⚠️' if alarm.ended_at is None else '✅'} {line(alarm)}"


def line(alarm: Alarm) -> str:
    """Return what there is to say of the alarm, without markup."""
    if alarm.ended_at is not None:
        return f"{_about(alarm)} again, after {span(max(0.0, alarm.ended_at - alarm.since))}."
    if not alarm.closes or not alarm.mode:
        return alarm.text
    until = "it fits again; an update of Wanda may bring that" if alarm.kind == "schema" else "then"
    return f"{alarm.text} The mode is off until {until}. WANDA_MODES_KEPT_ON={alarm.mode} keeps it on."


def _about(alarm: Alarm) -> str:
    title = MODE_TITLES.get(alarm.mode, alarm.mode)
    match alarm.kind:
        case "account":
            return "fal takes orders"
        case "access":
            return f"fal takes orders of {title}"
        case "balance":
            return "fal's balance is above your warning"
        case "price":
            return f"fal's list price of {title} and Wanda's agree"
        case "schema":
            return f"fal's schema of {title} fits"
