"""What a worker answers about a file it will not vouch for. Pure, and light: worker processes import it."""

from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "missing",  # there is no such file: our own mistake, not the member's
    "empty",  # no bytes at all
    "foreign",  # neither a picture, nor a video, nor a sound that is supported
    "damaged",  # it says what it is, and then does not hold to it, or ends too early
    "silent",  # a container without a picture or a sound in it
    "codec",  # a picture or sound in a codec that is not read here
    "costly",  # reading it takes more memory than a worker has
]


class Unreadable(Exception):  # noqa: N818 - it is an answer of the worker, not an error of the program
    """The file is not vouched for; `detail` names what was found (a label or a codec)."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """Keep the reason apart from the words: the words are made in the bot's process."""
        super().__init__(reason, detail)
        self.reason: Reason = reason
        self.detail = detail
