"""Why a file cannot be used, as a worker process reports it. Workers import this, so it imports nothing."""

from typing import Literal, TypeAlias

Reason: TypeAlias = Literal[
    "missing",  # there is no such file: a bug of Wanda, not the member's fault
    "empty",  # no bytes at all
    "foreign",  # neither a picture, nor a video, nor a sound that is supported
    "damaged",  # its content does not match its header, or ends too early
    "silent",  # a container without any picture or sound
    "codec",  # its codec is not in `DECODERS`
    "costly",  # reading it takes more memory than a worker has
]


class Unreadable(Exception):  # noqa: N818 - it is a worker's answer, not an error of the program
    """The file cannot be used; `detail` names what was found (a label or a codec)."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason: Reason = reason
        self.detail = detail
