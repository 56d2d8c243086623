"""Refused words, age-restricted channels, and whose content rules hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotAllowed
from bot.jobs import acceptance
from bot.jobs.prompt_log import prompts_to_log
from bot.jobs.rule_query import query_of_options
from bot.jobs.terms import SAFETY_NOTE
from bot.ledger.content import refuse_content, refused_word
from bot.ledger.model import ContentTerms, Rule, RuleQuery, Shipped, Terms, Who
from bot.ledger.rules import set_rule
from bot.ledger.terms import terms
from tests.support.job_samples import NOW, PLACES, a_job
from tests.support.stores import MemoryStore

SHIPPED = Shipped(member_daily_microusd=9_000_000, server_monthly_microusd=90_000_000)
LIST = ("blood", "dead body", "naïve", "血")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A lake of BLOOD.", "blood"),
        ("bl\u200bo\u00adod on snow", "blood"),
        ("blóôd moon", "blood"),
        ("b1ood and bl00d", "blood"),
        ("bl\u043e\u043ed", "blood"),
        ("\uff42\uff4c\uff4f\uff4f\uff44", "blood"),
        ("a dead,  body", "dead body"),
        ("NAIVE art", "naïve"),
        ("bl\U000e0100ood, with a variation selector", "blood"),
        ("b\u0489l\u0489o\u0489o\u0489d", "blood"),
        ("bl\u064eood, with the mark of another script", "blood"),
        ("bl\u0090ood, with a control character", "blood"),
        ("bl\u2065ood and bl\ufff0ood, unassigned and ignored", "blood"),
        ("\u039d\u0391\u0399VE in Greek capitals", "naïve"),
        ("blo\nod", None),
        ("流血的湖", "血"),
        ("a bloodhound in bloom", None),
        ("a body, dead calm", None),
        ("", None),
    ],
)
def test_a_refused_word_is_found_whole(text: str, word: str | None) -> None:
    """Case, accents, invisible characters, lookalikes and digits hide no word; a part of another word is none."""
    assert refused_word(["the sea", text], LIST) == word


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_any_text_is_judged(text: str, words: list[str]) -> None:
    """Whatever is typed, a word is found in a text that is that word, if it has a letter or a digit at all."""
    refused_word([text], words)
    for word in words:
        if any(one.isascii() and one.isalnum() for one in word):
            assert refused_word([f"{word}"], [word]) == word


def _content(*rules: tuple[str, str, Any], roles: tuple[int, ...] = ()) -> ContentTerms:
    return _terms(*rules, roles=roles).content


def _terms(*rules: tuple[str, str, Any], roles: tuple[int, ...] = (), restricted: bool | None = None) -> Terms:
    who = Who(guild_id=1, channel_id=20, member_id=2, role_ids=roles, age_restricted=restricted)
    named = [Rule(subject=subject, name=name, value=value) for subject, name, value in rules]
    return terms(named, who, now=NOW, shipped=SHIPPED)


def test_what_is_shipped() -> None:
    """Without a rule the safety check is always on, and nothing else is asked for."""
    assert _content() == ContentTerms()


def test_a_roles_rule_goes_before_the_servers() -> None:
    """A role's choice replaces the server's, of several roles the laxer holds, and refused words add up."""
    server = (("server", "safety", "members"), ("server", "spoiler", "always"), ("server", "words", ["blood"]))
    strict, lax = ("role:5", "safety", "on"), ("role:6", "safety", "members")
    assert _content(*server).safety_optional
    assert not _content(*server, strict, roles=(5,)).safety_optional
    assert _content(*server, strict, lax, roles=(5, 6)).safety_optional
    assert not _content(*server, ("role:5", "spoiler", "as_given"), roles=(5,)).always_spoiler
    assert _content(*server, ("role:5", "words", ["gore"]), roles=(5,)).words == ("blood", "gore")
    assert _content(*server, ("role:5", "words", ["gore"])).words == ("blood",)


@pytest.mark.parametrize(("restricted", "refused"), [(True, False), (False, True), (None, True)])
def test_age_restricted_channels_only(restricted: bool | None, refused: bool) -> None:
    """Where videos belong in age-restricted channels, another one is refused, and so is one that is not known."""
    rules = _terms(("server", "age", "restricted"), restricted=restricted)
    if not refused:
        refuse_content(rules, RuleQuery(mode="m"))
        return
    with pytest.raises(NotAllowed, match="age-restricted channels only"):
        refuse_content(rules, RuleQuery(mode="m"))


def test_all_that_a_member_writes_is_checked() -> None:
    """The prompt and the negative prompt are both checked, and the sentence says which word and who can change it."""
    rules = _terms(("server", "words", ["blood"]))
    for name in ("prompt", "negative_prompt"):
        with pytest.raises(NotAllowed, match=r"“blood” isn't allowed .* `/wanda-admin content words`"):
            refuse_content(rules, query_of_options("wan27-image", {name: "blood"}))


SAID: dict[str, Any] = {"actor_id": 9, "reason": "", "at": NOW}
WAN22 = {"prompt": "a lake", "resolution": "480p", "num_frames": 81}


def _accepted(store: MemoryStore, **changes: Any) -> Any:
    return store.run(acceptance.accept(a_job(**changes), SHIPPED, PLACES)).job


def test_the_safety_check_is_on_in_every_request() -> None:
    """What fal is asked states the check, on unless the admins let members choose and this one switched it off."""
    store = MemoryStore()
    off = {**WAN22, "enable_safety_checker": False}
    both = {"enable_safety_checker": True, "enable_output_safety_checker": True}
    forced = _accepted(store, mode="wan22-video", options=off)
    assert forced.options == {**WAN22, **both}
    assert SAFETY_NOTE in forced.notes
    untouched = _accepted(store, id="b" * 32, mode="wan22-video", options=WAN22)
    assert untouched.options == {**WAN22, **both}
    assert untouched.notes == ()
    store.run(set_rule(1, "server", "safety", "members", **SAID))
    chosen = _accepted(store, id="c" * 32, mode="wan22-video", options=off)
    assert chosen.options == {**WAN22, **both, "enable_safety_checker": False}


def test_a_rule_hides_every_video() -> None:
    """Where every video is a spoiler, one without a spoiler among its files is one too."""
    store = MemoryStore()
    assert not _accepted(store).is_spoiler
    store.run(set_rule(1, "server", "spoiler", "always", **SAID))
    assert _accepted(store, id="b" * 32).is_spoiler


def test_prompts_are_logged_from_the_rule_on() -> None:
    """The prompt of an order is kept for the log in the transaction that accepts it, where admins chose a channel."""
    store = MemoryStore()
    _accepted(store)
    assert store.run(prompts_to_log(limit=9)) == ()
    store.run(set_rule(1, "server", "prompt_log", 77, **SAID))
    job = _accepted(store, id="b" * 32)
    assert [one.job for one in store.run(prompts_to_log(limit=9))] == [job]


def test_no_server_keeps_the_others_from_their_prompt_log() -> None:
    """Servers take turns: what piles up for one whose channel takes nothing comes after the first of each other."""
    store = MemoryStore()
    for guild_id in (1, 2):
        store.run(set_rule(guild_id, "server", "prompt_log", 77, **SAID))
    crowd = [_accepted(store, id=letter * 32) for letter in "abc"]
    other = _accepted(store, id="d" * 32, guild_id=2, created_at=crowd[0].created_at + 1)
    assert [one.job_id for one in store.run(prompts_to_log(limit=2))] == [crowd[0].id, other.id]


def test_no_order_gets_past_the_rules() -> None:
    """The transaction that places an order refuses it by itself, whoever checked it before."""
    store = MemoryStore()
    store.run(set_rule(1, "server", "words", ["lake"], **SAID))
    with pytest.raises(NotAllowed, match="“lake”"):
        _accepted(store)
