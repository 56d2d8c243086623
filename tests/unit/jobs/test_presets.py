from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.registry import by_id
from bot.errors import OptionRefused
from bot.jobs import presets
from bot.jobs.presets import SERVER, Preset, PresetBounds, clean_name, name_key, options_to_keep, with_preset
from tests.support.stores import MemoryStore

IMAGE = by_id("wan27-image")
BOUNDS = PresetBounds(of_member_max=2, of_server_max=1, in_server_max=4)
ANNA, BEN = 11, 12


def a_preset(name: str = "Film", owner_id: int = ANNA, **options: Any) -> Preset:
    """Return a preset of Wan 2.7."""
    return Preset(owner_id=owner_id, name=name, mode="wan27-image", options=options or {"resolution": "720p"})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  My   film ", "My film"),
        ("\uff26ilm", "Film"),
        ("a\u200bb\nc", "a b c"),
        ("🎬 night", "🎬 night"),
        ("Fi\u3164lm\u2800", "Fi lm"),
    ],
)
def test_a_name_is_one_line_in_one_spelling(typed: str, kept: str) -> None:
    """Invisible characters, line breaks and other widths of the same letters make no second name."""
    assert clean_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "\u200b", "\u3164", "\ufe0f\u034f", "x" * 41])
def test_a_name_has_1_to_40_characters(typed: str) -> None:
    """An empty, an invisible and a too long name are refused."""
    with pytest.raises(OptionRefused, match="1 to 40"):
        clean_name(typed)


@given(st.text(max_size=60))
def test_any_name_is_refused_or_stays_as_it_is(typed: str) -> None:
    """A name that was cleaned once is not changed again."""
    try:
        name = clean_name(typed)
    except OptionRefused:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= 40
    assert name_key(name) == name_key(name.upper().lower()) or name.upper().lower() != name.lower()


def test_a_preset_keeps_neither_seed_nor_files() -> None:
    """What makes one video unlike another is not in a preset."""
    kept = options_to_keep(
        IMAGE,
        {"resolution": "720p", "duration": "5", "seed": 3, "enable_safety_checker": False, "prompt": "a {prompt}"},
    )
    assert kept == {"resolution": "720p", "duration": 5, "prompt": "a {prompt}"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": "red"}, "no setting"),
        ({"image": "x"}, "no setting"),
        ({"resolution": "8k"}, "Choose 720p"),
        ({"duration": "99"}, "doesn't fit duration"),
        ({"duration": "five"}, "doesn't fit duration"),
        ({"prompt": "x" * 5001}, "at most 5,000"),
    ],
)
def test_what_the_mode_does_not_take_is_refused_when_it_is_saved(options: dict[str, Any], words: str) -> None:
    """Not only when it is used."""
    with pytest.raises(OptionRefused, match=words):
        options_to_keep(IMAGE, options)


def test_what_a_member_types_wins() -> None:
    """A preset fills in what was left out, and nothing else."""
    merged = with_preset(a_preset(resolution="720p", duration=5), IMAGE, {"duration": 3, "prompt": "a lake"})
    assert merged == {"resolution": "720p", "duration": 3, "prompt": "a lake"}


def test_a_slot_takes_the_prompt() -> None:
    """So a style can be kept for prompts to come."""
    style = a_preset(prompt="noir, {prompt}, 35 mm")
    assert with_preset(style, IMAGE, {"prompt": "a lake"})["prompt"] == "noir, a lake, 35 mm"
    assert with_preset(style, IMAGE, {})["prompt"] == "noir, , 35 mm"
    assert with_preset(a_preset(prompt="a sea"), IMAGE, {"prompt": "a lake"})["prompt"] == "a lake"


def test_a_preset_of_another_mode_says_where_it_belongs() -> None:
    """It is not used half."""
    with pytest.raises(OptionRefused, match="/wan27 image"):
        with_preset(a_preset(), by_id("wan22-video"), {})


def save(store: MemoryStore, preset: Preset, *, guild: int = 1) -> None:
    """Save it in this server."""
    store.run(presets.save_preset(guild, preset, bounds=BOUNDS, at=5.0))


def seen(store: MemoryStore, reader: int, **about: Any) -> list[str]:
    """Return the names that this member sees."""
    return [one.name for one in store.run(presets.presets_seen(1, reader, limit=25, **about))]


def test_who_sees_which_preset() -> None:
    """Their own, the server's, and what others share; those of another server never."""
    store = MemoryStore()
    with closing(store.connection):
        save(store, a_preset("Film"))
        save(store, a_preset("House", SERVER))
        save(store, a_preset("Ben's", BEN))
        save(store, a_preset("Elsewhere", BEN), guild=2)
        assert (seen(store, ANNA), seen(store, BEN)) == (["Film", "House"], ["Ben's", "House"])
        assert store.run(presets.share_preset(1, BEN, "ben's", shared=True))
        assert seen(store, ANNA) == ["Film", "House", "Ben's"]
        assert seen(store, ANNA, mode="wan22-video") == []
        assert seen(store, ANNA, typed="ous") == ["House"]
        assert seen(store, ANNA, typed="%") == []
        assert store.run(presets.preset_named(1, ANNA, f"{BEN}:ben's")) is not None
        assert store.run(presets.share_preset(1, BEN, "Ben's", shared=False))
        assert store.run(presets.preset_named(1, ANNA, f"{BEN}:ben's")) is None


def test_a_name_means_ones_own_first() -> None:
    """A typed name without its owner is one's own, then the server's, then a shared one."""
    store = MemoryStore()
    with closing(store.connection):
        save(store, a_preset("film", SERVER, duration=4))
        save(store, a_preset("Film", ANNA, duration=3))
        own, servers = (store.run(presets.preset_named(1, who, "FILM")) for who in (ANNA, BEN))
        assert (own and own.options["duration"], servers and servers.options["duration"]) == (3, 4)
        for odd in ("99999999999999999999:film", "-1:film", ":", "", "\x00"):
            store.run(presets.preset_named(1, ANNA, odd))


def test_the_bounds() -> None:
    """Each member, the server and all together have so many; saving under the same name replaces."""
    store = MemoryStore()
    with closing(store.connection):
        save(store, a_preset("a"))
        save(store, a_preset("b"))
        save(store, a_preset("A", duration=9))
        assert seen(store, ANNA) == ["A", "b"]
        with pytest.raises(OptionRefused, match="You have 2 presets, and 2 is the most"):
            save(store, a_preset("c"))
        save(store, a_preset("s", SERVER))
        with pytest.raises(OptionRefused, match="This server has 1"):
            save(store, a_preset("t", SERVER))
        save(store, a_preset("x", BEN))
        with pytest.raises(OptionRefused, match="all there can be"):
            save(store, a_preset("y", 13))
        assert store.run(presets.delete_preset(1, ANNA, "B"))
        assert not store.run(presets.delete_preset(1, ANNA, "B"))


def test_erasure_and_export_cover_a_members_presets() -> None:
    """Shared ones go too; the server's stay until the server goes."""
    store = MemoryStore()
    with closing(store.connection):
        save(store, a_preset("Film", prompt="noir, {prompt}"))
        save(store, a_preset("House", SERVER))
        (kept,) = store.run(presets.presets_everywhere(ANNA, limit=10))
        assert (kept["name"], kept["options"]) == ("Film", {"prompt": "noir, {prompt}"})
        store.run(presets.forget_presets_of(ANNA))
        assert seen(store, ANNA) == ["House"]
        store.run(presets.forget_presets_in(1))
        assert seen(store, ANNA) == []
