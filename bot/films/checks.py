"""What a draft still lacks before it can be made."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.catalogue.limits import check_media
from bot.errors import OptionRefused, Refusal
from bot.films.model import SHOTS_MAX, SHOTS_MIN, Draft, Shot
from bot.films.quoting import TITLES, aspect_ratios, resolutions, shot_mode, takes_end_picture
from bot.jobs.model import Input
from bot.units import counted

CROSSFADES_S = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that keeps a draft from being made; `number` is the shot's, None for the film."""

    number: int | None
    sentence: str

    def __str__(self) -> str:
        """Return it as a sentence for the draft's member."""
        return self.sentence if self.number is None else f"Shot {self.number}: {self.sentence}"


def problems(draft: Draft, *, seconds_max: int) -> tuple[Problem, ...]:
    """Return all that the draft lacks, in the order of its shots; `seconds_max` is how long all shots may last."""
    found = [Problem(number=None, sentence=sentence) for sentence in _of_film(draft, seconds_max)]
    before: Shot | None = None
    for number, shot in enumerate(draft.shots, 1):
        found += [Problem(number=number, sentence=sentence) for sentence in _of_shot(draft, shot, before)]
        before = shot
    return tuple(found)


def check_draft(draft: Draft, *, seconds_max: int) -> None:
    """Check that the draft can be made.

    Raises:
        OptionRefused: it cannot; the sentence is the first thing that is missing.
    """
    found = problems(draft, seconds_max=seconds_max)
    if found:
        raise OptionRefused(str(found[0]))


def _of_film(draft: Draft, seconds_max: int) -> Iterator[str]:
    if len(draft.shots) < SHOTS_MIN:
        missing = counted(SHOTS_MIN - len(draft.shots), "more shot") if draft.shots else f"at least {SHOTS_MIN} shots"
        yield f"A film needs {missing}. Add it, then make the film."
    if len(draft.shots) > SHOTS_MAX:
        yield f"A film has {SHOTS_MAX} shots at most, and this one has {len(draft.shots)}. Remove some."
    total = sum(shot.seconds for shot in draft.shots)
    if total > seconds_max:
        yield f"The shots last {total} s together, and {seconds_max} s is the most. Make some of them shorter."
    if draft.shots and all(shot.made for shot in draft.shots):
        yield "All of these shots are made already. Add a new one to continue the film."
    if draft.resolution not in (choices := resolutions(draft)):
        yield f"{TITLES[draft.family]} makes no {draft.resolution[:12]} videos. Choose {' or '.join(choices)}."
    if (ratios := aspect_ratios(draft)) and draft.aspect_ratio not in ratios:
        yield f"{TITLES[draft.family]} makes no {draft.aspect_ratio[:12]} videos. Choose {', '.join(ratios)}."
    if draft.crossfade_s not in CROSSFADES_S:
        yield "Shots fade into each other for 0, 0.5 or 1 second. Choose one of these."


def _of_shot(draft: Draft, shot: Shot, before: Shot | None) -> Iterator[str]:
    if shot.made is not None:
        return
    if shot.needs_frame and before is None:
        yield (
            "The first shot has nothing to continue. Make it a cut."
            if shot.joining == "continue"
            else "It begins the film, so it needs a first picture beside the last one."
        )
        return
    if shot.joining == "continue" and shot.files:
        yield (
            "It begins with the last frame of the shot before. Make it a cut to use your picture, or press Without "
            "pictures."
        )
    if shot.joining == "morph" and not takes_end_picture(draft):
        yield f"{TITLES[draft.family]} can't end a shot with a given picture. Make it a cut, or choose Wan 2.7."
        return
    if shot.joining == "morph" and shot.end_picture is None:
        yield "A morph ends with a picture. Give it one, or make it a cut."
    if shot.joining == "cut" and shot.end_picture is not None:
        yield "A cut takes a first picture only. Make it a morph to end with the other one."
    try:
        specs = shot_mode(draft, shot).media()
        for option, item in _given(shot):
            if option in specs:
                check_media(specs[option], item, this="This picture")
    except Refusal as refusal:
        yield str(refusal)


def _given(shot: Shot) -> Iterator[tuple[str, Input]]:
    if shot.picture is not None and not shot.needs_frame:
        yield "image", shot.picture
    if shot.end_picture is not None:
        yield "end_image", shot.end_picture
