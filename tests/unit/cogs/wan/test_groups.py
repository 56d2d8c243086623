"""The groups /quota, /jobs, /privacy and /wanda-admin as a sync would send them, against Discord's limits."""

from collections.abc import Iterator
from typing import Any

import pytest
from discord import app_commands

from bot.catalogue.registry import MODES
from cogs.admin.cog import admin_group
from cogs.admin.permission import AdminGroup
from cogs.base.command_group import command_payload
from cogs.jobs.cog import jobs_group
from cogs.menus import context_menus
from cogs.privacy import privacy_group
from cogs.quota import quota_group
from tests.support.catalogue_samples import PICKER

MANAGE_GUILD = 1 << 5
GROUPS: dict[str, dict[str, Any]] = {
    group["name"]: group for group in command_payload([quota_group(), jobs_group(), privacy_group(), admin_group()])
}


def described(node: dict[str, Any]) -> int:
    """Count the characters that Discord counts: names, descriptions and choices at every level."""
    own = len(node["name"]) + len(node.get("description", "")) + len(str(node.get("value", "")))
    return own + sum(described(child) for child in [*node.get("options", ()), *node.get("choices", ())])


def leaves(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every command below, with its path."""
    for child in node["options"]:
        name = f"{path} {child['name']}".strip()
        if child["type"] == 1:
            yield name, child
        else:
            yield from leaves(child, name)


LEAVES = {f"{name} {path}": leaf for name, group in GROUPS.items() for path, leaf in leaves(group)}


def test_the_commands_of_the_issue_are_there() -> None:
    """Members have ten commands, admins thirty-one; /wanda-admin wants Manage Server by default."""
    assert [path for path in LEAVES if path.startswith("quota")] == ["quota show", "quota ask"]
    assert sorted(path.removeprefix("wanda-admin ") for path in LEAVES if path.startswith("wanda-admin")) == sorted(
        [
            *("budget set", "budget clear", "budget show", "role set"),
            *("member set", "member grant", "member raise", "member reset", "member block", "member unblock"),
            *("content set", "content words", "content prompt-log", "content clear"),
            *("channel allow", "channel deny", "channel clear", "channel budget"),
            *(
                "modes",
                "approval",
                "log-channel",
                "notify",
                "timezone",
                "policy",
                "pause",
                "resume",
                "waiting",
                "setup",
            ),
            *("report", "audit", "export"),
        ]
    )
    assert GROUPS["wanda-admin"]["default_member_permissions"] == MANAGE_GUILD
    assert GROUPS["quota"]["default_member_permissions"] is None
    assert [path for path in LEAVES if path.startswith("jobs")] == [
        *("jobs list", "jobs show", "jobs cancel", "jobs recipe", "jobs replay")
    ]
    assert [path for path in LEAVES if path.startswith("privacy")] == [
        *("privacy show", "privacy export", "privacy delete")
    ]
    # What is kept of a member is theirs to ask for in a direct message too.
    assert {name: group["contexts"] for name, group in GROUPS.items()} == {
        **{name: [0] for name in ("quota", "jobs", "wanda-admin")},
        "privacy": [0, 1],
    }
    assert all(group["integration_types"] == [0] for group in GROUPS.values())


def test_five_message_menus() -> None:
    """Discord takes five message menus of a bot; they are for servers, with names of at most 32 characters."""
    payload = command_payload(context_menus(PICKER))
    assert len(payload) == 5
    assert all(menu["type"] == 3 and 1 <= len(menu["name"]) <= 32 and menu["contexts"] == [0] for menu in payload)


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_within_discords_limits(name: str) -> None:
    """At most 25 subcommands in a group and 8,000 characters in all."""
    group = GROUPS[name]
    assert len(group["options"]) <= 25
    assert all(len(child.get("options", ())) <= 25 for child in group["options"])
    assert described(group) <= 8000


@pytest.mark.parametrize("path", LEAVES)
def test_a_command_within_discords_limits(path: str) -> None:
    """At most 25 options, the required ones first; each thing described in 1 to 100 characters, choices at most 25."""
    leaf = LEAVES[path]
    options = leaf.get("options", ())
    assert 1 <= len(leaf["description"]) <= 100
    assert len(options) <= 25
    assert [option["required"] for option in options] == sorted((o["required"] for o in options), reverse=True)
    for option in options:
        assert 2 <= len(option["description"]) <= 100
        assert option["description"] != "…"
        assert len(option.get("choices", ())) <= 25
        assert not (option.get("choices") and option.get("autocomplete"))


@pytest.mark.parametrize("path", [path for path in LEAVES if path.startswith("wanda-admin")])
def test_every_change_takes_a_reason(path: str) -> None:
    """Every command that changes something takes a reason of at most 200 characters."""
    options = {option["name"]: option for option in LEAVES[path].get("options", ())}
    if path.rsplit(maxsplit=1)[-1] not in {"show", "report", "audit", "export", "waiting", "setup"}:
        assert options["reason"]["max_length"] == 200


def test_one_check_guards_every_admin_command() -> None:
    """Each admin command is in a group that checks Manage Server, whatever Discord's settings offer."""
    group = admin_group()
    commands = [one for one in group.walk_commands() if isinstance(one, app_commands.Command)]
    assert len(commands) == 31
    assert all(isinstance(one.parent, AdminGroup) for one in commands)


def test_groups_are_made_anew() -> None:
    """Two clients in one process share no command."""
    first, second = admin_group(), admin_group()
    assert not {id(one) for one in first.walk_commands()} & {id(one) for one in second.walk_commands()}


def test_a_recipe_of_any_mode_can_be_replayed() -> None:
    """Every file that a mode takes is an option of `/jobs replay`."""
    options = {option["name"] for option in LEAVES["jobs replay"]["options"]}
    assert options - {"recipe"} == {name for mode in MODES for name in mode.media()}
