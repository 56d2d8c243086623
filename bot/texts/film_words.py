"""Words for films and their shots that the panel, the card and the forms have in common."""

from bot.films.model import Family, Joining, Plan, Shot
from bot.money import dollars
from bot.texts.plain import dotted, plain
from bot.units import counted

FAMILIES: dict[Family, str] = {"wan27": "Wan 2.7", "wan25": "Wan 2.5"}
JOININGS: dict[Joining, str] = {"cut": "Cut", "continue": "Continue", "morph": "Morph"}
JOINING_HINTS: dict[Joining, str] = {
    "cut": "A new scene: from your picture, or from the words alone.",
    "continue": "Goes on from the last frame of the shot before.",
    "morph": "Goes on from the shot before (or your picture), and ends on a picture.",
}
CROSSFADES: dict[float, str] = {0: "None", 0.5: "Half a second", 1: "One second"}
PICTURE, SOUND = "🖼️", "🎵"
FILE_CHARS_MAX = 40


def seconds_words(seconds: float) -> str:
    """Return "25 s", "1 min 5 s"."""
    minutes, rest = divmod(seconds, 60)
    parts = (f"{minutes:.0f} min" if minutes else "", f"{rest:.3g} s" if rest or not minutes else "")
    return " ".join(part for part in parts if part)


def joining_words(shot: Shot, number: int) -> str:
    """Return how the shot with this number begins and ends, with a mark for pictures: "goes on from shot 1"."""
    if shot.needs_frame:
        begins = f"goes on from shot {number - 1}" if number > 1 else "goes on from the shot before"
    else:
        begins = "starts from your picture" if shot.picture else "new scene"
    ends = "ends on your picture" if shot.end_picture else ""
    return dotted((f"{PICTURE} " * bool(shot.files) + begins, ends))


def fade_words(crossfade_s: float) -> str:
    """Return "cross-fade 0.5 s"."""
    return f"cross-fade {crossfade_s:g} s"


def look_words(plan: Plan) -> str:
    """Return what all shots have in common: "Wan 2.7 · 1080p · 16:9 · cross-fade 0.5 s · 🎵 song.mp3"."""
    fade = fade_words(plan.crossfade_s) if plan.crossfade_s else ""
    sound = f"{SOUND} {plain(plan.soundtrack.file_name, FILE_CHARS_MAX)}" if plan.soundtrack else ""
    return dotted((FAMILIES[plan.family], plan.resolution, plain(plan.aspect_ratio, 10), fade, sound))


def sum_words(shots: int, seconds: float, microusd: int | None) -> str:
    """Return "5 shots · 25 s · $3.75"."""
    return dotted((counted(shots, "shot"), seconds_words(seconds), "" if microusd is None else dollars(microusd)))
