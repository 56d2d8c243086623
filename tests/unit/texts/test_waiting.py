"""The list of what awaits approval: within Discord's limits, and no more of a prompt than its card shows."""

import re

from bot.jobs.model import Variation
from bot.texts.button_ids import WAITING_TEMPLATE
from bot.texts.card import Button
from bot.texts.panel import COMPONENTS_MAX, TEXT_CHARS_MAX, Panel, Text, component_count, controls, text_chars
from bot.texts.waiting import PAGE_JOBS, PROMPT_CHARS_MAX, WaitingPage, waiting_log_line, waiting_panel
from tests.support.film_samples import a_film, a_shot_job
from tests.support.job_samples import NOW, a_job

BIG = 18446744073709551615


def page(prompt: str) -> WaitingPage:
    """Return a full page in the middle of the list."""
    jobs = [
        a_job(
            id=f"{number:032x}",
            member_id=BIG,
            options={"prompt": prompt, "negative_prompt": "a secret", "resolution": "1080p", "duration": 5},
            state="waiting",
            approve_by=NOW + 60,
        )
        for number in range(PAGE_JOBS)
    ]
    return WaitingPage(orders=[(one,) for one in jobs], count=9_999, after="f" * 32, next=jobs[-1].id)


def text_of(panel: Panel) -> str:
    """Return the panel's texts."""
    return "\n".join(block.text for block in panel.blocks if isinstance(block, Text))


def test_a_page_within_discords_limits() -> None:
    """A full page with the longest prompts fits, and each of its buttons has an id that the cog knows."""
    panel = waiting_panel(page("*" * 5000), 1, "x" * 300)
    assert component_count(panel) <= COMPONENTS_MAX
    assert text_chars(panel) <= TEXT_CHARS_MAX
    ids = [one.custom_id for one in controls(panel) if isinstance(one, Button)]
    assert len(set(ids)) == len(ids) == 2 * PAGE_JOBS + 2
    assert all(len(one) <= 100 and re.fullmatch(WAITING_TEMPLATE, one) for one in ids)


def test_what_is_shown_of_a_prompt() -> None:
    """The beginning of the prompt is shown as plain text; what no card shows is not shown here either."""
    prompt = "[free money](https://evil.example) @everyone " + "y" * 1000
    for told in (text_of(waiting_panel(page(prompt), 1)), waiting_log_line(page(prompt).orders[0][0])):
        assert "](https://evil" not in told
        assert "y" * PROMPT_CHARS_MAX not in told
        assert "a secret" not in told


def test_a_set_is_one_order() -> None:
    """Variations that are decided on at once are one line, at the price of all that still wait."""
    jobs = [
        a_job(
            id=f"{number:032x}",
            state="waiting",
            variation=Variation(set_id="0" * 32, number=number, of=4, message_id=3),
        )
        for number in range(1, 4)
    ]
    shown = text_of(waiting_panel(WaitingPage(orders=[jobs], count=1, after="", next=None), 1))
    assert "**$2.25** for 3 variations" in shown
    assert "'s 4 variations for $3.00 wait for approval" in waiting_log_line(jobs[0])


def test_a_film_waits_as_one_order() -> None:
    """Its price is that of all shots, of which all but the first are reserved."""
    film = a_film("cut", "cut", "cut")
    job = a_shot_job(film, 1, "waiting", quote_microusd=500_000)
    page = WaitingPage(orders=[[job]], count=1, after="", next=None, reserved={film.id: 1_000_000})
    assert "**$1.50** for a film in 3 shots" in text_of(waiting_panel(page, 1))
    assert "'s film in 3 shots for $1.50 waits for approval" in waiting_log_line(job, 1_000_000)
