"""Collections with a bound for each member, each server and all."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.bounded import Bounded, Bounds
from bot.open_forms import OpenForms
from bot.requester import Requester

BOUNDS = Bounds(of_member_max=2, in_server_max=3, most=5)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.booleans()), max_size=60))
def test_no_bound_is_passed_and_nobody_else_pays(adds: list[tuple[int, int, bool]]) -> None:
    """No bound is passed, the new item stays, and what goes is the member's, the server's or the fullest server's."""
    found = Bounded[tuple[int, int, int]](BOUNDS)
    for number, (guild_id, member_id, is_popped) in enumerate(adds):
        owner = 10 * guild_id + member_id
        before = found.items()
        sizes = Counter(item[0] for item in before)
        dropped = found.add(str(number), (guild_id, owner, number), Requester(guild_id, owner))
        assert found.get(str(number)) == (guild_id, owner, number)
        assert len(dropped) <= 1
        for item in dropped:
            assert item == next(one for one in before if one[0] == item[0] and (item[1] != owner or one[1] == owner))
            assert item[0] == guild_id or sizes[item[0]] >= sizes[guild_id]
        assert len(found) <= BOUNDS.most
        assert max(Counter(item[0] for item in found.items()).values()) <= BOUNDS.in_server_max
        assert max(Counter(item[1] for item in found.items()).values()) <= BOUNDS.of_member_max
        if is_popped:
            assert found.pop(str(number)) == (guild_id, owner, number)
            assert found.pop(str(number)) is None


def test_a_members_items_go_in_every_server() -> None:
    """What one member has is dropped everywhere, and nobody else's."""
    found = Bounded[str](BOUNDS)
    for key, requester in (("a", Requester(1, 7)), ("b", Requester(2, 7)), ("c", Requester(1, 8))):
        found.add(key, key, requester)
    assert found.drop_of(7) == ["a", "b"]
    assert found.items() == ["c"]


class Form:
    """A form that can be open or finished."""

    def __init__(self, custom_id: str) -> None:
        self.custom_id = custom_id
        self.is_over = False

    def stop(self) -> None:
        """Finish it."""
        self.is_over = True

    def is_finished(self) -> bool:
        """Return whether it was stopped."""
        return self.is_over


def test_a_member_has_few_forms_open() -> None:
    """Of too many forms the member's oldest is stopped; finished ones are forgotten and count no more."""
    opened = OpenForms(BOUNDS)
    mine, other = [Form(f"f{number}") for number in range(4)], Form("other")
    opened.add(other, Requester(1, 2))
    for form in mine[:3]:
        opened.add(form, Requester(1, 1))
    assert [form.is_over for form in (*mine[:3], other)] == [True, False, False, False]
    mine[2].stop()
    opened.add(mine[3], Requester(1, 1))
    assert [form.is_over for form in (mine[1], mine[3], other)] == [False, False, False]
    assert len(opened) == 3
