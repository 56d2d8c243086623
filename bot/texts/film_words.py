"""Words for films and their shots that the panel, the card and the forms have in common."""

from bot.films.model import Family, Film, Joining, Plan, Shot
from bot.jobs.model import Spot, message_url
from bot.money import dollars
from bot.texts.plain import dotted, plain, visible
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
SHOT_CHARS_MAX = 90  # of a prompt in a list
NOT_YOURS = "Only whoever made this film can do that. Type `/film` to make your own."
NOT_OVER = "This film is still being made. Stop it first, then delete it."
NO_RERUN = "To make a shot of this film again, choose it in the list on the film's card."
CONTINUED = "These shots are made already and cost nothing more. Add new ones to go on from the last."
RECIPE = "Here's the recipe of your film. Attach it to `/film` to begin a new one like it."


def tried_again(number: int, microusd: int) -> str:
    """Return the answer once a missing shot is tried again, with what that costs: it may have been edited."""
    return f"Shot {number} is being made again for {dollars(microusd)}, and the film goes on after it."


def made_again(number: int, microusd: int) -> str:
    """Return the answer once a shot of a finished film is made again, with what that and what follows costs."""
    return f"Shot {number} is being made again, for {dollars(microusd)}. Then the film is joined anew."


def price_moved(before_microusd: int, microusd: int) -> str:
    """Return why a price is asked about again."""
    return f"The price has changed: it was {dollars(before_microusd)}, and it's {dollars(microusd)} now."


def mail_text(film: Film, *, attached: bool, is_mine: bool) -> str:
    """Return the direct message that brings a film, and to its maker its recipe."""
    url = message_url(Spot(film.who.guild_id, film.address.channel_id, film.address.message_id))
    recipe = " Attach its recipe to `/film` to make one like it." if is_mine else ""
    return f"Here's the film of {url}.{recipe}" if attached else f"The film is too large for a message: {url}.{recipe}"


def seconds_words(seconds: float) -> str:
    """Return "25 s", "1 min 5 s"."""
    minutes, rest = divmod(seconds, 60)
    parts = (f"{minutes:.0f} min" if minutes else "", f"{rest:.3g} s" if rest or not minutes else "")
    return " ".join(part for part in parts if part)


def film_title(film: Film) -> str:
    """Return the film's title."""
    return f"🎬 A film in {counted(len(film.takes), 'shot')}"


def shot_words(shot: Shot, number: int) -> str:
    """Return a shot in a line: "**1** · 5 s · The sun sets behind…"."""
    prompt = plain(shot.prompt, SHOT_CHARS_MAX) if visible(shot.prompt) else ""
    return dotted((f"**{number}**", f"{shot.seconds} s", prompt))


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
