"""What a member reads of their own videos, within Discord's limits whatever stands in them."""

import re
from dataclasses import replace

import pytest

from bot.cards.embeds import to_embed
from bot.jobs.model import Failure, Job, Part, Result, card_url
from bot.texts.button_ids import JOBS_FILTER_TEMPLATE, JOBS_PAGE_TEMPLATE
from bot.texts.jobs import ANY, FILTERS, PAGE_LINES, JobDetails, JobsPage, choice_label, details_card, jobs_card
from tests.support.job_samples import a_job

HOSTILE = "@everyone **[x](https://evil.example)** `" + "\u0301" * 50 + "`\n# shout " * 400
PAGE = JobsPage(mode=ANY, filter=ANY, cursor="", older=None)


def hostile_job(number: int = 0) -> Job:
    """Return a job whose every text is as long and as odd as it gets."""
    job = a_job()
    return replace(
        job,
        id=f"{number:032x}",
        options={**job.options, "prompt": HOSTILE, "negative_prompt": HOSTILE, "seed": 2**53 - 1},
        result=Result(url="https://fal.example/x.mp4", seed=2**53 - 1, actual_prompt=HOSTILE[::-1]),
        notes=(HOSTILE,) * 9,
        parent_id="f" * 32,
        inputs=tuple(replace(job.inputs[0], file_name=HOSTILE, changes=(HOSTILE,) * 9) for _ in range(8)),
    )


def test_every_state_has_one_filter() -> None:
    """Each state is found under exactly one of the filters, so that nothing is lost or listed twice."""
    named = [state for _, states in FILTERS.values() for state in states]
    assert len(named) == len(set(named)) == 11


def test_a_full_page_fits() -> None:
    """A page of the oddest jobs is within 4,096 characters, and mentions and links nobody but the messages."""
    jobs = [hostile_job(number) for number in range(PAGE_LINES)]
    card = jobs_card(replace(PAGE, older="1763616000.123456/" + "f" * 32), jobs)
    assert len(card.description) <= 4096
    assert len(to_embed(card)) <= 6000
    assert not re.search(r"(?<!\\)@everyone", card.description)
    assert "](https://evil" not in card.description
    assert card.description.count("](https://discord.com/") == PAGE_LINES


def test_buttons_carry_filters_and_cursor() -> None:
    """What a button's id says is read back as it was, within Discord's 100 characters."""
    cursor = "1763616000.1234567/" + "f" * 32
    card = jobs_card(JobsPage(mode="wan27-reference", filter="cancelled", cursor=cursor, older=cursor), [hostile_job()])
    assert len({button.custom_id for button in card.buttons}) == 2
    for button in card.buttons:
        assert len(button.custom_id) <= 100
        assert re.fullmatch(JOBS_PAGE_TEMPLATE, button.custom_id)
    found = re.fullmatch(JOBS_PAGE_TEMPLATE, card.buttons[1].custom_id)
    assert found is not None
    assert found.groupdict() == {"mode": "wan27-reference", "state_filter": "cancelled", "cursor": cursor}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "running"}, "🎬 being made · $0.75"),
        ({"state": "done", "charged_microusd": 200_000}, "✅ done · $0.20"),
        ({"state": "failed", "charged_microusd": 0, "failure": Failure(kind="x")}, "❌ failed · not charged"),
        ({"state": "failed", "charged_microusd": 50_000, "failure": Failure(kind="x")}, "❌ failed · $0.05 charged"),
        ({"state": "waiting"}, "🕓 waiting for approval · $0.75"),
    ],
)
def test_a_line_says_state_and_cost(changes: dict[str, object], said: str) -> None:
    """A line begins with the linked prompt and when it was asked for; below are state, price and mode."""
    job = replace(a_job(), **changes)  # pyright: ignore[reportArgumentType] - the fields above
    first, second = jobs_card(PAGE, [job]).description.splitlines()
    assert first == f"**[a lake]({card_url(job)})** · <t:{int(job.created_at)}:R>"
    assert second == f"-# {said} · Wan 2.7 image"


def test_a_shot_says_of_which_film_it_is() -> None:
    """In the list and in full."""
    job = replace(a_job(), part=Part(film_id="f" * 32, shot_id="1" * 8, number=2, of=5, message_id=30))
    assert "shot 2 of 5 of a film" in (jobs_card(PAGE, [job]).description or "")
    card = details_card(
        job, JobDetails(children=(), gone=(), keeps_until=None), mode_title="Wan 2.7 image", settings=[]
    )
    assert any(field.name == "Part of" and "shot 2 of 5" in field.value for field in card.fields)


def test_a_deleted_channel_is_said() -> None:
    """A video in a deleted channel has no link, which would lead nowhere; one without a prompt has its mode's name."""
    job = replace(a_job(), options={"prompt": " "})
    assert jobs_card(PAGE, [job], gone=[job.id]).description.startswith(
        "**Wan 2.7 image** (in a deleted channel) · <t:"
    )


def test_lists_filter_what_is_shown() -> None:
    """Two selects say what is shown; each choice keeps the other filter, and nobody's empty list has any."""
    states, modes = jobs_card(JobsPage(mode="wan27-image", filter="done", cursor="", older=None), []).selects
    assert [one.value for one in states.choices if one.chosen] == ["done"]
    assert [one.value for one in modes.choices if one.chosen] == ["wan27-image"]
    for select, what in ((states, "state"), (modes, "mode")):
        found = re.fullmatch(JOBS_FILTER_TEMPLATE, select.custom_id)
        assert found is not None
        assert found.groupdict() == {"what": what, "state_filter": "done", "mode": "wan27-image"}
        assert select.choices[0].value == ANY
    assert jobs_card(PAGE, []).selects == ()


def test_one_job_in_full_fits() -> None:
    """The oddest job in full is within Discord's limits."""
    job = hostile_job()
    kept = JobDetails(children=[hostile_job(number) for number in range(5)], gone=job.inputs[:1], keeps_until=2e9)
    card = details_card(job, kept, mode_title="x" * 300, settings=[("Resolution", HOSTILE)] * 30)
    embed = to_embed(card)
    assert len(card.title) <= 256
    assert len(card.description) <= 4096
    assert all(1 <= len(field.value) <= 1024 for field in card.fields)
    assert len(embed) <= 6000
    shown = [card.description, *(field.value for field in card.fields)]
    assert not re.search(r"(?<!\\)@everyone", "\n".join(shown))


def test_a_file_that_is_gone_is_said_so() -> None:
    """A file that Wanda no longer has is told apart from one that she keeps."""
    job = a_job()
    gone = JobDetails(children=[], gone=job.inputs, keeps_until=2e9)
    text = str(details_card(job, gone, mode_title="x", settings=[]).fields)
    assert "no longer kept" in text
    assert "Kept until" not in text
    here = JobDetails(children=[], gone=[], keeps_until=2e9)
    assert "Kept until" in str(details_card(job, here, mode_title="x", settings=[]).fields)


def test_only_what_can_be_cancelled_offers_it() -> None:
    """A job that is being made has a button to cancel it; one that ended has none."""
    kept = JobDetails(children=[], gone=[], keeps_until=None)
    assert details_card(replace(a_job(), state="running"), kept, mode_title="x", settings=[]).buttons
    assert not details_card(replace(a_job(), state="done"), kept, mode_title="x", settings=[]).buttons


def test_a_choice_fits() -> None:
    """The name of a choice has at most 100 characters, and begins with the number that cards show."""
    assert len(choice_label(hostile_job(5))) <= 100
    assert choice_label(hostile_job()).startswith("00000000 · Wan")
