"""The custom ids of all buttons, letter for letter: messages that were posted long ago still carry them."""

import re

import pytest

from bot.texts import button_ids as ids

JOB = "0123456789abcdef" * 2
RESULT_ACTIONS: tuple[ids.ResultAction, ...] = (
    *("rerun", "reseed", "edit", "continue", "restyle", "draft", "final", "delete"),
    *("more", "share", "mail", "variations", "loop", "change", "retry"),
)
MEMBER = 18446744073709551615
PICKS: tuple[tuple[ids.PickAction, int], ...] = (("pick", 1), ("vote", 4), ("none", 0), ("end", 0))
CURSOR = f"1795149313.123457/{JOB}"
IDS = [
    (ids.job_button_id("cancel", JOB), f"wanda:cancel:{JOB}", ids.CANCEL_TEMPLATE),
    *((ids.job_button_id(one, JOB), f"wanda:{one}:{JOB}", ids.DECISION_TEMPLATE) for one in ("approve", "decline")),
    *(
        (ids.question_button_id(one, JOB), f"wanda:{one}:{JOB}", ids.QUESTION_TEMPLATE)
        for one in ("make", "cheaper", "back", "fix", "drop")
    ),
    *(
        (ids.question_select_id(one, JOB), f"wanda:set:{one}:{JOB}", ids.QUESTION_SELECT_TEMPLATE)
        for one in ("resolution", "length")
    ),
    *((ids.result_button_id(one, JOB), f"wanda:{one}:{JOB}", ids.RESULT_TEMPLATE) for one in RESULT_ACTIONS),
    (ids.set_button_id("cancel", JOB), f"wanda:all:cancel:{JOB}", ids.SET_TEMPLATE),
    (ids.set_select_id(JOB), f"wanda:pick:{JOB}", ids.SET_SELECT_TEMPLATE),
    *((ids.vary_button_id(one, JOB), f"wanda:vary:{one}:{JOB}", ids.VARY_TEMPLATE) for one in (2, 3, 4)),
    (ids.share_select_id(JOB), f"wanda:shareto:{JOB}", ids.SHARE_TEMPLATE),
    *(
        (ids.public_answer_id(one, JOB, MEMBER), f"wanda:{one}:{JOB}:{MEMBER}", ids.PUBLIC_ANSWER_TEMPLATE)
        for one in ("yes", "no")
    ),
    *(
        (ids.history_page_id(one, CURSOR), f"wanda:page:{one}:{CURSOR}", ids.HISTORY_PAGE_TEMPLATE)
        for one in ("history", "acts", "money")
    ),
    (ids.history_page_id("history", ""), "wanda:page:history:", ids.HISTORY_PAGE_TEMPLATE),
    (ids.jobs_page_id("any", "done", CURSOR), f"wanda:jobs:any:done:{CURSOR}", ids.JOBS_PAGE_TEMPLATE),
    (ids.jobs_page_id("wan27-image", "any", ""), "wanda:jobs:wan27-image:any:", ids.JOBS_PAGE_TEMPLATE),
    (ids.jobs_filter_id("mode", "done", "any"), "wanda:list:mode:done:any", ids.JOBS_FILTER_TEMPLATE),
    *(
        (ids.waiting_button_id(one, JOB, JOB), f"wanda:waiting:{one}:{JOB}:{JOB}", ids.WAITING_TEMPLATE)
        for one in ("approve", "decline", "page")
    ),
    (ids.waiting_button_id("page", "", ""), "wanda:waiting:page::", ids.WAITING_TEMPLATE),
    *(
        (ids.pick_button_id(one, number, JOB), f"wanda:best:{one}:{number}:{JOB}", ids.PICK_TEMPLATE)
        for one, number in PICKS
    ),
    (ids.vote_select_id(JOB), f"wanda:vote:{JOB}", ids.VOTE_SELECT_TEMPLATE),
    *((ids.deletion_button_id(one, JOB), f"wanda:erase:{one}:{JOB}", ids.DELETION_TEMPLATE) for one in ("yes", "no")),
    *(
        (ids.own_setting_id(one), f"wanda:mine:{one}", ids.OWN_SETTING_TEMPLATE)
        for one in ("pings", "ask", "resolution", "mode")
    ),
    *(
        (ids.refused_button_id(one, JOB), f"wanda:refused:{one}:{JOB}", ids.REFUSED_TEMPLATE)
        for one in ("fix", "again", "nearest", "ask", "chip")
    ),
    (ids.HELP_SELECT_ID, "wanda:help", ids.HELP_SELECT_TEMPLATE),
    *(
        (ids.help_button_id(one), f"wanda:help:{one}", ids.HELP_TEMPLATE)
        for one in ("start", "money", "after", "wan27 image")
    ),
    *(
        (ids.money_button_id(one, JOB), f"wanda:money:{one}:{JOB}", ids.MONEY_TEMPLATE)
        for one in ("grant", "raise", "decline")
    ),
    *(
        (ids.chip_in_button_id(one, JOB), f"wanda:chipin:{one}:{JOB}", ids.CHIP_IN_TEMPLATE)
        for one in ("other", "back", "cancel")
    ),
    (ids.chip_in_rest_id(1, JOB, is_sure=True), f"wanda:chipin:sure1:{JOB}", ids.CHIP_IN_REST_TEMPLATE),
    (ids.chip_in_rest_id(10**12, JOB), f"wanda:chipin:add1000000000000:{JOB}", ids.CHIP_IN_REST_TEMPLATE),
    *(
        (
            ids.setup_button_id(one, f"channel.{MEMBER}", "everything", "0123abcd"),
            f"wanda:setup:{one}:channel.{MEMBER}:everything:0123abcd",
            template,
        )
        for one, template in (
            *((one, ids.SETUP_TEMPLATE) for one in ("go", "form", "switch", "clear", "access", "reset", "apply")),
            *((one, ids.SETUP_LIST_TEMPLATE) for one in ("nav", "open", "pick")),
        )
    ),
    *((ids.proposal_button_id(one, JOB), f"wanda:rule:{one}:{JOB}", ids.PROPOSAL_TEMPLATE) for one in ("yes", "no")),
    *((ids.erasure_button_id(one), f"wanda:forget:{one}", ids.ERASURE_TEMPLATE) for one in ("yes", "no")),
]
TEMPLATES = {name: value for name, value in vars(ids).items() if name.endswith("_TEMPLATE")}


@pytest.mark.parametrize(("custom_id", "on_the_wire", "template"), IDS, ids=[wire for _, wire, _ in IDS])
def test_an_id_never_changes(custom_id: str, on_the_wire: str, template: str) -> None:
    """An id is as it always was, within Discord's 100 characters, and exactly one template matches it."""
    assert custom_id == on_the_wire
    assert len(custom_id) <= 100
    assert [one for one in TEMPLATES.values() if re.fullmatch(one, custom_id)] == [template]


def test_every_template_has_an_id() -> None:
    """The list above has every template."""
    assert {template for _, _, template in IDS} == set(TEMPLATES.values())
