"""A member's request for more money: the message that admins answer, and what becomes of it."""

from bot.ledger.money_requests import RAISED_FOR_S, MoneyRequest
from bot.money import dollars
from bot.texts.button_ids import MoneyAnswer, money_button_id
from bot.texts.card import Button
from bot.texts.plain import before_amount, person

NOT_YOURS = "Only people who manage this server can answer this."
OVER = "This request is over: it was answered, or nobody answered it in time."
NOT_POSTED = "Wanda can't post your request here. Write to an admin yourself; nothing changed."
_DAYS = int(RAISED_FOR_S // 86_400)


def request_text(request: MoneyRequest, *, price_microusd: int) -> str:
    """Return the message that admins read."""
    return (
        f"<@{request.member_id}> needs **{dollars(request.amount_microusd)}** more for a video of "
        f"{dollars(price_microusd)}. An admin can answer until <t:{int(request.expires_at)}:f>."
    )


def request_buttons(request: MoneyRequest) -> tuple[Button, ...]:
    """Return the answers; a press gives the money at once."""
    amount = dollars(request.amount_microusd)
    return (
        Button(f"Grant {amount} once", "success", money_button_id("grant", request.id)),
        Button(f"Raise by {amount} for {_DAYS} days", "secondary", money_button_id("raise", request.id)),
        Button("Decline", "danger", money_button_id("decline", request.id)),
    )


def asked(channel_id: int, then: str = "Try again") -> str:
    """Return what the member reads once their request is posted; `then` is the button that they press after it."""
    return f"The admins can see your request in <#{channel_id}>. You'll hear from Wanda; then press {then}."


def answered_text(request: MoneyRequest, answer: MoneyAnswer, actor_id: int) -> str:
    """Return what the request's message becomes."""
    amount = dollars(request.amount_microusd)
    match answer:
        case "grant":
            return f"<@{actor_id}> gave {before_amount(person(request.member_id))} **{amount}**, once."
        case "raise":
            return f"<@{actor_id}> raised <@{request.member_id}>'s allowances by **{amount}** for {_DAYS} days."
        case "decline":
            return f"<@{actor_id}> declined <@{request.member_id}>'s request for {amount}."


def told_member(request: MoneyRequest, answer: MoneyAnswer) -> str:
    """Return the message that tells the member."""
    amount = dollars(request.amount_microusd)
    match answer:
        case "grant":
            return f"<@{request.member_id}>, you got {amount}. Press Try again, or order your video again."
        case "raise":
            return (
                f"<@{request.member_id}>, your allowances are {amount} higher for {_DAYS} days. "
                "Press Try again, or order your video again."
            )
        case "decline":
            return f"<@{request.member_id}>, an admin declined your request for {amount}."
