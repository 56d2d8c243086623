"""Small phrases that refusals share."""

from collections.abc import Iterable

VALUE_LENGTH_MAX = 40
WHOLE_CLIP = "the whole clip"
_OPTION_WORDS = {  # of options whose own names are no words for a sentence
    "num_frames": "number of frames",
    "frames_per_second": "number of frames a second",
    "enable_safety_checker": "safety check",
    "enable_output_safety_checker": "safety check of the video",
    "enable_prompt_expansion": "prompt rewriting",
    "audio": "sound",
}


def listed(names: Iterable[object], last: str = "or") -> str:
    """Return "a", "a or b", or "a, b or c"."""
    *head, tail = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def range_text(low: float | None, high: float | None) -> str:
    """Return an inclusive range in words: "2 to 10", "at least 2", "up to 10"."""
    match low, high:
        case None, None:
            return "any number of"
        case None, _:
            return f"up to {high:,}"
        case _, None:
            return f"at least {low:,}"
        case _:
            return f"{low:,} to {high:,}"


def shortened(value: object) -> str:
    """Return the value on one line, cut to `VALUE_LENGTH_MAX` characters."""
    text = " ".join(str(value).split()) or "empty"
    return text if len(text) <= VALUE_LENGTH_MAX else f"{text[: VALUE_LENGTH_MAX - 1]}…"


def option_words(name: str) -> str:
    """Return an option as a sentence names it: "end image" for `end_image`."""
    return _OPTION_WORDS.get(name, name.replace("_", " "))


def length_words(option: str, length: int) -> str:
    """Return a video's length: "8 s", "81 frames", or "the whole clip" for 0 s."""
    if option != "duration":
        return f"{length} frames"
    return f"{length} s" if length else WHOLE_CLIP


def first_upper(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return f"{text[:1].upper()}{text[1:]}"
