"""Why a file that is whole is written again, although it is within a mode's limits. Workers import this."""

from typing import Literal, TypeAlias

Oddity: TypeAlias = Literal[
    "metadata",  # something beside the content is broken or too large
    "end",  # the marker behind the last pixels is missing
    "pictures",  # one file with several pictures for different eyes or sizes, as stereo cameras write
    "colours",  # printing colours, or 16 bits of grey, which many readers show wrong
    "header",  # what stands before the sound, or says how long it is, is not what the format prescribes
    "kind of sound",  # a WAV that holds something other than plain samples
    "shape",  # pixels that are not square
    "streams",  # several videos, or one that is not the first stream
    "sound",  # a sound that cannot be read here, so that nobody knows how long it is
]
ODDITIES: dict[Oddity, str] = {
    "metadata": "saved again without its damaged or unusual metadata",
    "end": "saved again with the end that was missing",
    "pictures": "only its first picture is used",
    "colours": "colours changed to 8-bit RGB",
    "header": "saved again with a plain header",
    "kind of sound": "its sound saved again",
    "shape": "saved in the shape that players show",
    "streams": "only the video track that players show is used",
    "sound": "without its sound, which Wanda can't read",
}
"""What the card says was done about each."""
