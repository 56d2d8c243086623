"""What runs in the background belongs to the shards of its process: no query may find another process's servers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A statement with one of these conditions is about one server, one member or one job, which somebody asked about.
_ABOUT_ONE = re.compile(
    r"\b(guild_id|member_id|approved_by|id|job_id|set_id|parent_id|message_id|other\.set_id|scope|name|what|source_id)"
    r" (=|IN|LIKE) "
)
_OF_ALL = re.compile(
    r"(?:FROM|UPDATE|DELETE FROM) "
    r"(?:jobs|films|film_drafts|notices|picks|prompt_log|greetings|warnings|acknowledgements|leaving)\b"
)
# The beginnings of statements that are for everybody, with the reason.
FOR_ALL = {
    "DELETE FROM notices WHERE due_at IS NULL": "repeating it anywhere changes nothing",
    "SELECT render_s FROM jobs WHERE similar_to": "how long videos take, wherever they are made",
    "DELETE FROM jobs WHERE {whose}": "its two callers name a member or a server",
    "SELECT body FROM jobs WHERE {' AND '.join(where)}": "a list of one member in one server",
    "SELECT id FROM jobs WHERE told = 0 AND state = 'accepted' ORDER BY id": "a restored database has no process yet",
}


def _texts(path: Path) -> Iterator[str]:
    """Yield the module's strings, with `{…}` for what is put into them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"{{{_put_in(part)}}}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def _put_in(part: ast.expr) -> str:
    return ast.unparse(part.value if isinstance(part, ast.FormattedValue) else part)


def _modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_a_query_over_all_servers_keeps_to_the_shards() -> None:
    """A statement that names no server, member or job has a condition on the shards, or a reason to be for all."""
    strays = [
        f"{path.name}: {' '.join(text.split())[:100]}"
        for path in _modules("bot/films", "bot/jobs", "bot/ledger")
        for text in _texts(path)
        if _OF_ALL.search(text)
        and not _ABOUT_ONE.search(text)
        and not re.search(r"\{mine\}|shards\.where", text)
        and not any(text.strip().startswith(beginning) for beginning in FOR_ALL)
    ]
    assert strays == []


def _takers() -> frozenset[str]:
    """Return the names of the transactions that take shards."""
    return frozenset(
        node.name
        for path in _modules("bot/films", "bot/jobs", "bot/ledger")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and any(one.arg == "shards" for one in node.args.args)
    )


def _name_of(called: ast.expr) -> str:
    match called:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def test_the_program_says_which_shards_it_means() -> None:
    """Every call of such a transaction passes shards: its default is for one process alone."""
    takers = _takers()
    assert len(takers) > 9
    strays: list[str] = []
    for path in _modules("bot", "cogs"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name_of(node.func) in takers:
                given = [ast.unparse(one) for one in (*node.args, *(one.value for one in node.keywords))]
                if not any("shards" in one for one in given):
                    strays.append(f"{path.name}:{node.lineno} {ast.unparse(node)[:80]}")
    assert strays == []
