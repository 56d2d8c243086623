"""What a scene is, and how a refusal becomes one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bot.errors import Refusal

Scene: TypeAlias = Callable[[], Any]
Scenes: TypeAlias = Mapping[str, Scene]


def refused(act: Callable[[], Any]) -> Scene:
    """Return the scene of the sentence with which `act` is refused."""

    def scene() -> str:
        try:
            act()
        except Refusal as refusal:
            return str(refusal)
        raise AssertionError("this was not refused")

    return scene
