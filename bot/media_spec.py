"""What an attached file is (`MediaFacts`), and what a mode takes of one (`MediaSpec`).

The catalogue states the limits, and `bot.media` makes files fit them; both import these types.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

MediaKind: TypeAlias = Literal["image", "video", "audio"]


class MediaFacts(Protocol):
    """What a file's bytes say it is. `bot.media.probe.Facts` and a job's input are such facts."""

    @property
    def kind(self) -> str:
        """Either `image`, `video` or `audio`."""
        ...

    @property
    def format(self) -> str:
        """The format that its bytes show: `png`, `mp4`, `mp3`, …."""
        ...

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        ...

    @property
    def width(self) -> int | None:
        """Pixels, as shown after rotation; None for a sound."""
        ...

    @property
    def height(self) -> int | None:
        """Pixels, as shown after rotation; None for a sound."""
        ...

    @property
    def seconds(self) -> float | None:
        """How long it plays; None for a picture."""
        ...

    @property
    def codec(self) -> str | None:
        """The codec of its main stream."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSpec:
    """What a mode takes in a file option; every bound is inclusive, and None means that there is none.

    `subject` begins the sentence that states a limit ("Wan 2.7 continues clips"); `aspect_max` bounds the
    longer side over the shorter one.
    """

    kind: MediaKind
    subject: str
    formats: tuple[str, ...]
    bytes_max: int
    side_min: int | None = None
    side_max: int | None = None
    aspect_max: int | None = None
    seconds_min: int | None = None
    seconds_max: int | None = None
