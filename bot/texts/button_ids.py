"""The custom ids of all buttons and selects, each beside the pattern that matches them.

Discord allows 100 characters (https://discord.com/developers/docs/components/reference#anatomy-of-a-component). Ids
never change: the buttons of old messages keep them.
"""

from typing import Literal, TypeAlias, get_args

PREFIX = "wanda:"
_ID = "[0-9a-f]{32}"

JobAction: TypeAlias = Literal["cancel", "approve", "decline"]
QuestionAnswer: TypeAlias = Literal["make", "cheaper", "back", "fix", "chip", "drop"]
PricedOption: TypeAlias = Literal["resolution", "length"]
ResultAction: TypeAlias = Literal[
    "retry",
    "rerun",
    "reseed",
    "edit",
    "continue",
    "restyle",
    "change",
    "draft",
    "final",
    "delete",
    "more",
    "share",
    "mail",
    "variations",
    "loop",
]
SetAction: TypeAlias = Literal["cancel"]
PickAction: TypeAlias = Literal["pick", "none", "vote", "end"]
OwnSetting: TypeAlias = Literal["pings", "ask", "resolution", "mode"]
MoneyAnswer: TypeAlias = Literal["grant", "raise", "decline"]
RefusedAction: TypeAlias = Literal["fix", "again", "nearest", "ask", "chip"]
ChipInAction: TypeAlias = Literal["other", "back", "cancel"]
Consent: TypeAlias = Literal["yes", "no"]
HistoryKind: TypeAlias = Literal["history", "acts", "money"]
JobsFilter: TypeAlias = Literal["state", "mode"]
WaitingAction: TypeAlias = Literal["approve", "decline", "page"]


def job_button_id(action: JobAction, job_id: str) -> str:
    """Return the id of a button on the card of a job that is not finished."""
    return f"{PREFIX}{action}:{job_id}"


CANCEL_TEMPLATE = rf"{PREFIX}cancel:(?P<job_id>{_ID})"
DECISION_TEMPLATE = rf"{PREFIX}(?P<action>approve|decline):(?P<job_id>{_ID})"


def question_button_id(answer: QuestionAnswer, order_id: str) -> str:
    """Return the id of a button below the private question before a costly job."""
    return f"{PREFIX}{answer}:{order_id}"


QUESTION_TEMPLATE = rf"{PREFIX}(?P<answer>make|cheaper|back|fix|chip|drop):(?P<order_id>{_ID})"


def question_select_id(option: PricedOption, order_id: str) -> str:
    """Return the id of a select of the same question: another resolution or length, with its price."""
    return f"{PREFIX}set:{option}:{order_id}"


QUESTION_SELECT_TEMPLATE = rf"{PREFIX}set:(?P<option>resolution|length):(?P<order_id>{_ID})"


def result_button_id(action: ResultAction, job_id: str) -> str:
    """Return the id of a button below a finished video."""
    return f"{PREFIX}{action}:{job_id}"


RESULT_TEMPLATE = rf"{PREFIX}(?P<action>{'|'.join(get_args(ResultAction))}):(?P<job_id>{_ID})"


def share_select_id(job_id: str) -> str:
    """Return the id of the list of channels to which a finished video's link can go."""
    return f"{PREFIX}shareto:{job_id}"


SHARE_TEMPLATE = rf"{PREFIX}shareto:(?P<job_id>{_ID})"


def set_button_id(action: SetAction, set_id: str) -> str:
    """Return the id of a button below several variations that is about all of them."""
    return f"{PREFIX}all:{action}:{set_id}"


SET_TEMPLATE = rf"{PREFIX}all:(?P<action>{'|'.join(get_args(SetAction))}):(?P<set_id>{_ID})"


def set_select_id(set_id: str) -> str:
    """Return the id of the select below several variations that names one of them."""
    return f"{PREFIX}pick:{set_id}"


SET_SELECT_TEMPLATE = rf"{PREFIX}pick:(?P<set_id>{_ID})"


def pick_button_id(action: PickAction, number: int, set_id: str) -> str:
    """Return the id of a button below drafts: pick this one, none of them, vote for this one, or end the vote."""
    return f"{PREFIX}best:{action}:{number}:{set_id}"


PICK_TEMPLATE = rf"{PREFIX}best:(?P<action>pick|none|vote|end):(?P<number>[0-4]):(?P<set_id>{_ID})"


def vote_select_id(set_id: str) -> str:
    """Return the id of the select below drafts with which their member lets the channel vote for some time."""
    return f"{PREFIX}vote:{set_id}"


VOTE_SELECT_TEMPLATE = rf"{PREFIX}vote:(?P<set_id>{_ID})"


def vary_button_id(videos: int, job_id: str) -> str:
    """Return the id of a button that makes so many variations of a finished video."""
    return f"{PREFIX}vary:{videos}:{job_id}"


VARY_TEMPLATE = rf"{PREFIX}vary:(?P<videos>[2-4]):(?P<job_id>{_ID})"


def public_answer_id(answer: Consent, order_id: str, member_id: int) -> str:
    """Return the id of a button below a question in the channel that only this member may answer."""
    return f"{PREFIX}{answer}:{order_id}:{member_id}"


PUBLIC_ANSWER_TEMPLATE = rf"{PREFIX}(?P<answer>yes|no):(?P<order_id>{_ID}):(?P<member_id>[0-9]{{1,20}})"


def history_page_id(kind: HistoryKind, cursor: str) -> str:
    """Return the id of a button that opens the page after this cursor; "" is the newest page."""
    return f"{PREFIX}page:{kind}:{cursor}"


HISTORY_PAGE_TEMPLATE = rf"{PREFIX}page:(?P<kind>history|acts|money):(?P<cursor>[^\s]{{0,70}})"


def jobs_page_id(mode: str, state_filter: str, cursor: str) -> str:
    """Return the id of a button that opens the page of a filtered list after this cursor; "" is the newest page."""
    return f"{PREFIX}jobs:{mode}:{state_filter}:{cursor}"


JOBS_PAGE_TEMPLATE = (
    rf"{PREFIX}jobs:(?P<mode>[a-z0-9-]{{1,20}}):(?P<state_filter>[a-z]{{1,12}}):(?P<cursor>[^\s]{{0,56}})"
)


def jobs_filter_id(what: JobsFilter, state_filter: str, mode: str) -> str:
    """Return the id of a select that filters a member's list; what is chosen replaces one of the two filters."""
    return f"{PREFIX}list:{what}:{state_filter}:{mode}"


JOBS_FILTER_TEMPLATE = rf"{PREFIX}list:(?P<what>state|mode):(?P<state_filter>[a-z]{{1,12}}):(?P<mode>[a-z0-9-]{{1,20}})"


def erasure_button_id(answer: Consent) -> str:
    """Return the id of a button below the question whether to delete a member's data."""
    return f"{PREFIX}forget:{answer}"


ERASURE_TEMPLATE = rf"{PREFIX}forget:(?P<answer>yes|no)"


def proposal_button_id(answer: Consent, proposal_id: str) -> str:
    """Return the id of a button below the question whether to set a rule that would have refused past videos."""
    return f"{PREFIX}rule:{answer}:{proposal_id}"


PROPOSAL_TEMPLATE = rf"{PREFIX}rule:(?P<answer>yes|no):(?P<proposal_id>{_ID})"


def waiting_button_id(action: WaitingAction, job_id: str, after: str) -> str:
    """Return the id of a button of the list of what awaits approval; `after` is where the shown page begins."""
    return f"{PREFIX}waiting:{action}:{job_id}:{after}"


WAITING_TEMPLATE = rf"{PREFIX}waiting:(?P<action>approve|decline|page):(?P<job_id>(?:{_ID})?):(?P<after>(?:{_ID})?|end)"


HELP_SELECT_ID = f"{PREFIX}help"
HELP_SELECT_TEMPLATE = HELP_SELECT_ID


def help_button_id(page: str) -> str:
    """Return the id of a button that opens a page of /help."""
    return f"{PREFIX}help:{page}"


HELP_TEMPLATE = rf"{PREFIX}help:(?P<page>[a-z0-9 -]{{1,40}})"


def deletion_button_id(answer: Consent, job_id: str) -> str:
    """Return the id of a button below the private question whether to delete a video."""
    return f"{PREFIX}erase:{answer}:{job_id}"


DELETION_TEMPLATE = rf"{PREFIX}erase:(?P<answer>yes|no):(?P<job_id>{_ID})"


def own_setting_id(what: OwnSetting) -> str:
    """Return the id of a select in a member's own settings."""
    return f"{PREFIX}mine:{what}"


OWN_SETTING_TEMPLATE = rf"{PREFIX}mine:(?P<what>pings|ask|resolution|mode)"


def refused_button_id(action: RefusedAction, refused_id: str) -> str:
    """Return the id of a button below the refusal of an order: what to do with what was typed."""
    return f"{PREFIX}refused:{action}:{refused_id}"


REFUSED_TEMPLATE = rf"{PREFIX}refused:(?P<action>fix|again|nearest|ask|chip):(?P<refused_id>{_ID})"


def money_button_id(answer: MoneyAnswer, request_id: str) -> str:
    """Return the id of a button below a member's request for more money."""
    return f"{PREFIX}money:{answer}:{request_id}"


MONEY_TEMPLATE = rf"{PREFIX}money:(?P<answer>grant|raise|decline):(?P<request_id>{_ID})"


def setup_button_id(action: str, page: str, arg: str, seen: str) -> str:
    """Return the id of a button of the setup panel; `page` may name a role, member or channel: "role.42".

    `seen` is the digest of the rules that the page showed.
    """
    return f"{PREFIX}setup:{action}:{page}:{arg}:{seen}"


_SETUP = r"(?P<page>[a-z]{1,12}(?:\.[0-9]{1,20})?):(?P<arg>[a-z0-9_]{0,20}):(?P<seen>[0-9a-f]{8})"
SETUP_TEMPLATE = rf"{PREFIX}setup:(?P<action>go|form|switch|clear|access|reset|apply):{_SETUP}"
SETUP_LIST_TEMPLATE = rf"{PREFIX}setup:(?P<action>nav|open|pick):{_SETUP}"


def chip_in_button_id(action: ChipInAction, chip_in_id: str) -> str:
    """Return the id of a button below a video that several members pay for."""
    return f"{PREFIX}chipin:{action}:{chip_in_id}"


CHIP_IN_TEMPLATE = rf"{PREFIX}chipin:(?P<action>{'|'.join(get_args(ChipInAction))}):(?P<chip_in_id>{_ID})"


def chip_in_rest_id(microusd: int, chip_in_id: str, *, is_sure: bool = False) -> str:
    """Return the id of the button that adds this amount, which was all that was missing; a sure press is not asked."""
    return f"{PREFIX}chipin:{'sure' if is_sure else 'add'}{microusd}:{chip_in_id}"


CHIP_IN_REST_TEMPLATE = rf"{PREFIX}chipin:(?P<how>add|sure)(?P<microusd>[0-9]{{1,13}}):(?P<chip_in_id>{_ID})"
