from dataclasses import replace

from bot.ledger.model import Who
from bot.runner.drafts import Draft, Drafts
from tests.support.catalogue_samples import request
from tests.support.job_samples import NOW

DRAFT = Draft(
    id="d1",
    who=Who(guild_id=1, channel_id=20, member_id=2),
    mode=request("wan27-image"),
    inputs=(),
    expires_at=NOW + 60,
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_a_draft_is_taken_once_and_by_its_member() -> None:
    """Only the member who asked takes a draft out, and only once: two presses make one video."""
    drafts = Drafts(most=10, clock=Clock())
    assert drafts.keep(DRAFT) == []
    assert drafts.take("d1", member_id=3) is None
    assert drafts.take("d1", member_id=2) == DRAFT
    assert drafts.take("d1", member_id=2) is None


def test_an_old_draft_is_gone() -> None:
    """A draft that is over can no longer be taken, and its files are handed back with the next one."""
    clock = Clock()
    drafts = Drafts(most=10, clock=clock)
    drafts.keep(DRAFT)
    clock.now += 60
    assert drafts.take("d1", member_id=2) is None
    assert drafts.keep(replace(DRAFT, id="d2", expires_at=NOW + 120)) == [DRAFT]


def test_the_oldest_gives_way() -> None:
    """There are never more drafts than the bound."""
    drafts = Drafts(most=2, clock=Clock(), most_each=9)
    over = [old.id for number in range(4) for old in drafts.keep(replace(DRAFT, id=f"d{number}"))]
    assert over == ["d0", "d1"]


def test_files_are_handed_back_without_another_draft() -> None:
    """Drafts whose time is over, and at the end all of them, are handed back once, for their files to be removed."""
    clock = Clock()
    drafts = Drafts(most=10, clock=clock)
    late = replace(DRAFT, id="d2", expires_at=NOW + 120)
    for draft in (DRAFT, late):
        drafts.keep(draft)
    clock.now += 60
    assert (drafts.expired(), drafts.expired()) == ([DRAFT], [])
    assert (drafts.all(), drafts.all()) == ([late], [])


def test_one_member_keeps_few() -> None:
    """A member who asks again and again pushes out only their own oldest questions, and nobody else's."""
    drafts = Drafts(most=10, clock=Clock(), most_each=2)
    drafts.keep(replace(DRAFT, id="other", who=replace(DRAFT.who, member_id=3)))
    over = [old.id for number in range(5) for old in drafts.keep(replace(DRAFT, id=f"d{number}"))]
    assert over == ["d0", "d1", "d2"]
    assert drafts.take("other", member_id=3) is not None


def test_a_question_is_known_while_it_waits() -> None:
    """The same member's same rerun of the same job is asked about until it is answered or its time is over."""
    clock = Clock()
    drafts = Drafts(most=10, clock=clock)
    drafts.keep(replace(DRAFT, parent_id="p", trigger="react:🔁"))
    assert drafts.is_asked("p", 2, "react:🔁")
    assert not drafts.is_asked("p", 2, "react:🎲")
    assert not drafts.is_asked("p", 3, "react:🔁")
    clock.now += 61
    assert not drafts.is_asked("p", 2, "react:🔁")
