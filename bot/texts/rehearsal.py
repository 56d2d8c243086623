"""What an admin reads before a rule is set that would have refused past videos."""

from collections.abc import Sequence

from bot.ledger.rehearsal import Affected, Change, Rehearsal
from bot.money import dollars
from bot.texts.button_ids import proposal_button_id
from bot.texts.card import Button, Card
from bot.texts.job_card import AMBER
from bot.texts.rules import change_words
from bot.units import counted

NOT_SET = "Nothing was changed."
GONE = "This question is over. Nothing was changed; make the change again if you still want it."
MEANWHILE_COMMAND = (
    "Somebody changed this rule a moment ago, so nothing was changed now. "
    "See it with `/wanda-admin budget show`, and use the command again."
)


def question(
    rehearsal: Rehearsal, changes: Sequence[Change], before: Sequence[object], *, days: int, is_cut: bool
) -> str:
    """Return the question: what is to be changed, and what that would have done to the videos of these days."""
    said = [
        f"You're about to {_as_plan(change_words(one.subject, one.name, old, one.value))}."
        for one, old in zip(changes, before, strict=True)
    ]
    since = f"Since <t:{int(rehearsal.since)}:D>" if is_cut else f"In the last {counted(days, 'day')}"
    would = [
        f"{verb} **{_affected(what)}**"
        for verb, what in (
            ("refused", rehearsal.refused),
            ("asked for approval of", rehearsal.waiting),
        )
        if what.jobs
    ]
    return "\n".join([*said, f"{since} this would have {' and '.join(would)}."])


def _affected(what: Affected) -> str:
    return f"{counted(what.jobs, 'video')} ({dollars(what.microusd)}) of {counted(what.members, 'member')}"


def _as_plan(done: str) -> str:
    """Return a change in the past tense as something that is still to be done."""
    for past, plan in (("took back ", "take back "), ("**allowed** ", "allow "), ("**denied** ", "deny ")):
        if done.startswith(past):
            return plan + done.removeprefix(past)
    return done


def proposal_buttons(proposal_id: str) -> tuple[Button, ...]:
    """Return Set it and Cancel."""
    return (
        Button("Set it", "success", proposal_button_id("yes", proposal_id)),
        Button("Cancel", "secondary", proposal_button_id("no", proposal_id)),
    )


def question_card(asked: str, proposal_id: str) -> Card:
    """Return the question as a message of its own."""
    return Card(
        title="Set this rule?", description=asked, fields=(), colour=AMBER, buttons=proposal_buttons(proposal_id)
    )
