"""Everything that people read, as one text: rendered examples first, then every sentence of the source.

`make words` writes it to texts.snap, so that a change of words is seen in review.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from tests.unit.texts.scenes import failures, films, job_cards, operator_news, refusals
from tests.unit.texts.scenes.scene import Scenes
from tests.unit.texts.sentences import sentences

FILE = Path(__file__).with_name("texts.snap")
GROUPS: Mapping[str, Scenes] = {
    "Job cards": job_cards.SCENES,
    "Films": films.SCENES,
    "Why there is no video": failures.SCENES,
    "Refusals": refusals.SCENES,
    "fal's troubles": operator_news.SCENES,
}
# What a card has beside words.
_NO_WORDS = frozenset({"job_id", "custom_id", "style", "colour", "source", "what", "has_prompt", "is_ended"})


def snapshot() -> str:
    """Return the whole text."""
    scenes = [_part(title, {name: _lines(scene()) for name, scene in group.items()}) for title, group in GROUPS.items()]
    return "\n".join([*scenes, _part("Every sentence", dict(sentences()))])


def _part(title: str, entries: Mapping[str, Iterable[str]]) -> str:
    blocks = (f"{name}\n{_indented(lines)}" for name, lines in entries.items())
    return "\n".join([f"# {title}\n", *blocks])


def _indented(lines: Iterable[str]) -> str:
    return "".join(f"    {line}\n" for text in lines for line in text.splitlines())


def _lines(said: Any, label: str = "") -> Iterable[str]:
    """Yield the words of a sentence, a card or a list of them, each after the name of its part."""
    match said:
        case str() if said:
            yield f"{label}: {said}" if label else said
        case Exception():
            yield str(said)
        case list() | tuple():
            for one in cast("list[Any]", said):
                yield from _lines(one, label)
        case _ if is_dataclass(said):
            for part in fields(said):
                if part.name not in _NO_WORDS:
                    yield from _lines(getattr(said, part.name), part.name)
        case _:
            return


if __name__ == "__main__":
    FILE.write_text(snapshot(), encoding="utf-8")
