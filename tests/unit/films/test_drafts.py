"""Drafts of films: what they lack, what they cost, and how many there may be."""

from contextlib import closing
from dataclasses import replace

import pytest

from bot.catalogue.registry import MODES, price_table
from bot.errors import ModeOff, OptionRefused
from bot.films import drafts, editing, quoting
from bot.films.checks import check_draft, problems
from bot.films.drafts import DraftBounds
from bot.films.model import Draft, draft_body, film_body, readable_draft, readable_film
from tests.support.film_samples import a_draft, a_film, a_picture, a_shot
from tests.support.job_samples import NOW
from tests.support.stores import MemoryStore

BOUNDS = DraftBounds(of_member_max=2, in_server_max=3)
PRICES = price_table()


def said(draft: Draft) -> list[str]:
    """Return all that the draft lacks."""
    return [str(problem) for problem in problems(draft, seconds_max=60)]


def test_a_whole_draft_lacks_nothing() -> None:
    """Cut, continue and morph; its price is the sum of its shots', and fades shorten it at cuts only."""
    draft = a_draft("cut", "continue", "morph", "cut", crossfade_s=0.5)
    assert said(draft) == []
    check_draft(draft, seconds_max=60)
    whole = quoting.quote(draft, draft.shots, PRICES)
    assert whole.microusd == 4 * 5 * 100_000
    assert whole.seconds == 19.5
    dearer = replace(draft, resolution="1080p")
    assert quoting.quote(dearer, dearer.shots, PRICES).microusd == 4 * 5 * 150_000


def test_a_made_shot_costs_nothing_until_it_is_changed() -> None:
    """A continued film has its shots in it."""
    shots = (a_shot(1, made="a" * 32), a_shot(2, "continue"))
    draft = a_draft(shots=shots)
    assert quoting.quote(draft, draft.shots, PRICES).microusd == 500_000
    changed = editing.changed_shot(draft, shots[0].id, prompt="another")
    assert quoting.quote(changed, changed.shots, PRICES).microusd == 1_000_000


@pytest.mark.parametrize(
    ("draft", "sentence"),
    [
        (a_draft(), "at least 2 shots"),
        (a_draft("cut"), "1 more shot"),
        (a_draft("continue", "cut"), "nothing to continue"),
        (a_draft("morph", "cut"), "first picture"),
        (a_draft("cut", "cut", crossfade_s=0.7), "0, 0.5 or 1"),
        (a_draft("cut", "cut", resolution="480p"), "720p or 1080p"),
        (a_draft(shots=tuple(a_shot(n, seconds=15) for n in range(1, 6))), "75 s together, and 60 s"),
        (a_draft(shots=(a_shot(1), a_shot(2, prompt=" "))), "Shot 2: It has no prompt"),
        (a_draft(shots=(a_shot(1), a_shot(2, seconds=16))), "Shot 2"),
        (a_draft(shots=(a_shot(1), a_shot(2, "continue", picture=a_picture("x.png")))), "press Without pictures"),
        (a_draft(shots=(a_shot(1), a_shot(2, end_picture=a_picture("x.png")))), "Make it a morph"),
        (a_draft(shots=(a_shot(1), a_shot(2, "morph", end_picture=None))), "ends with a picture"),
        (a_draft("cut", "morph", family="wan25"), "Wan 2.5 can't end"),
        (a_draft(shots=(a_shot(1, made="a" * 32), a_shot(2, made="b" * 32))), "made already"),
        (a_draft(shots=tuple(a_shot(n) for n in range(1, 10))), "8 shots at most"),
        (a_draft(shots=(a_shot(1, picture=replace(a_picture("x.png"), width=100)), a_shot(2))), "100 × 480 px"),
    ],
)
def test_what_a_draft_lacks_is_said_with_its_number(draft: Draft, sentence: str) -> None:
    """Each is one sentence with what to do; such a draft cannot be made."""
    assert any(sentence in one for one in said(draft)), said(draft)
    with pytest.raises(OptionRefused):
        check_draft(draft, seconds_max=60)


def test_a_family_without_a_text_mode_needs_pictures() -> None:
    """A shot that begins with nothing is refused with a sentence where no mode makes it."""
    draft = a_draft(shots=(a_shot(1, picture=None), a_shot(2)))
    if any(mode.id == "wan27-text" for mode in MODES):
        assert said(draft) == []
    else:
        assert "from pictures only" in said(draft)[0]


def test_a_mode_that_is_off_makes_no_film() -> None:
    """An unknown price is never free."""
    off = price_table({"wan27": {"720p": None}})
    draft = a_draft("cut", "continue")
    with pytest.raises(ModeOff):
        quoting.quote(draft, draft.shots, off)


def test_another_family_takes_the_nearest_settings() -> None:
    """Wan 2.5 lasts 5 or 10 seconds; what was made stays as it is."""
    shots = (a_shot(1, seconds=8), a_shot(2, seconds=3), a_shot(3, seconds=7, made="a" * 32))
    changed = editing.with_family(a_draft(shots=shots), "wan25")
    assert [shot.seconds for shot in changed.shots] == [10, 5, 7]
    assert said(changed) == []


def test_shots_are_added_moved_and_removed() -> None:
    """What is gone is refused, and a film has eight shots at most."""
    draft = a_draft("cut", "continue", "cut")
    first, second, third = (shot.id for shot in draft.shots)
    assert [shot.id for shot in editing.moved_shot(draft, third, "up").shots] == [first, third, second]
    assert editing.moved_shot(draft, first, "up") == draft
    assert [shot.id for shot in editing.without_shot(draft, second).shots] == [first, third]
    with pytest.raises(OptionRefused):
        editing.without_shot(draft, "nothing")
    full = a_draft(shots=tuple(a_shot(n) for n in range(1, 9)))
    with pytest.raises(OptionRefused, match="8 shots"):
        editing.with_shot(full, a_shot(9))


def test_a_stale_change_is_refused_and_drafts_are_bounded() -> None:
    """A press on an old panel never undoes a newer change; nobody fills the table."""
    store = MemoryStore()
    with closing(store.connection):
        kept = store.run(drafts.save_draft(a_draft("cut"), BOUNDS, at=NOW))
        newer = store.run(drafts.save_draft(editing.with_shot(kept, a_shot(2)), BOUNDS, at=NOW))
        with pytest.raises(OptionRefused, match="somewhere else"):
            store.run(drafts.save_draft(kept, BOUNDS, at=NOW + 1))
        assert store.run(drafts.draft_named(kept.id)) == newer
        store.run(drafts.save_draft(a_draft("cut", id="1" * 32), BOUNDS, at=NOW))
        with pytest.raises(OptionRefused, match="2 is the most"):
            store.run(drafts.save_draft(a_draft("cut", id="2" * 32), BOUNDS, at=NOW))
        store.run(drafts.save_draft(a_draft("cut", id="3" * 32, member_id=3), BOUNDS, at=NOW))
        with pytest.raises(OptionRefused, match="all there can be"):
            store.run(drafts.save_draft(a_draft("cut", id="4" * 32, member_id=4), BOUNDS, at=NOW))
        assert [draft.id for draft in store.run(drafts.drafts_of(1, 2))] == [kept.id, "1" * 32]
        assert store.run(drafts.old_drafts(NOW)) == ()
        # It was touched since it was found to be old.
        assert store.run(drafts.delete_old_draft(kept.id, 1, before=NOW)) is False
        assert store.run(drafts.delete_old_draft(kept.id, 1, before=NOW + 10**9)) is True
        with pytest.raises(OptionRefused, match="isn't there"):
            store.run(drafts.save_draft(newer, BOUNDS, at=NOW))


def test_rows_are_read_back_and_survive_added_fields() -> None:
    """A row of a newer version is read; one that cannot be is None."""
    draft, film = a_draft("cut", "morph", soundtrack=a_picture("s.mp3")), a_film("cut", "morph")
    assert readable_draft({"body": draft_body(draft)}) == draft
    assert readable_film({"body": film_body(film)}) == film
    assert readable_film({"body": film_body(film)[:-1] + ', "later": 1}'}) == film
    assert readable_draft({"body": "{}"}) is None


def test_a_new_shot_has_an_id_of_its_own() -> None:
    """A random one that is taken is drawn again."""
    draft = a_draft("cut")
    drawn = iter([draft.shots[0].id, "abcdef01"])
    assert editing.new_shot_id(draft, random_hex=lambda _: next(drawn)) == "abcdef01"
