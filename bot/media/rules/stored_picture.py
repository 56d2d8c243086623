"""How a video's picture is stored, as far as joining it to another one needs to know. Workers import this."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

Matrix: TypeAlias = Literal["bt709", "bt601", "bt2020"]
HIGH_LINES = 720  # players take the colours of a picture that says nothing for BT.709 from this height on


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """The picture of one video.

    It plays for `played_s`, and its last frame begins at `last_s` after the start of the file. `matrix` says how its
    colours are meant, also where the file does not. Two videos with the same `coding` can be played one behind the
    other by one decoder.
    """

    played_s: float
    last_s: float
    frame_rate: Fraction
    matrix: Matrix
    coding: str
