"""Sample drafts, films and jobs of films."""

from dataclasses import replace
from typing import Any

from bot.films.model import Draft, Film, Joining, Shot, Take, take_id
from bot.jobs.model import Input, Job, Part
from bot.jobs.rule_query import who_of
from tests.support.job_samples import ADDRESS, NOW, RESULT, a_job

FILM_ID = "f" * 32


def a_picture(name: str, *, option: str = "image") -> Input:
    """Return a picture of a draft."""
    return Input(
        option=option,
        path=f"inputs/{FILM_ID}/{name}",
        file_name=name,
        kind="image",
        format="png",
        size_bytes=1000,
        width=640,
        height=480,
    )


def a_shot(number: int, joining: Joining = "cut", **changes: Any) -> Shot:
    """Return a shot; a cut has a picture, so that Wan 2.7's image mode makes it."""
    end = a_picture(f"end{number}.png", option="end_image") if joining == "morph" else None
    picture = a_picture(f"start{number}.png") if joining == "cut" else None
    shot = Shot(
        id=f"{number:08x}",
        prompt=f"what happens in shot {number}",
        seconds=5,
        joining=joining,
        picture=picture,
        end_picture=end,
    )
    return replace(shot, **changes)


def a_draft(*joinings: Joining, **changes: Any) -> Draft:
    """Return a draft with a shot of each of these joinings."""
    draft = Draft(
        id=FILM_ID,
        guild_id=1,
        member_id=2,
        channel_id=20,
        updated_at=0.0,
        shots=tuple(a_shot(number, joining) for number, joining in enumerate(joinings, 1)),
    )
    return replace(draft, **changes)


def a_film(*joinings: Joining, **changes: Any) -> Film:
    """Return a film that is being made, with a shot of each of these joinings."""
    takes = tuple(
        Take(shot=shot, job_id=take_id(FILM_ID, shot.id, 0), quote_microusd=500_000)
        for shot in a_draft(*joinings).shots
    )
    film = Film(
        id=FILM_ID,
        who=who_of(a_job()),
        address=ADDRESS,
        takes=takes,
        state="making",
        created_at=NOW,
        updated_at=NOW,
        ends_at=NOW + 1000,
    )
    return replace(film, **changes)


def a_shot_job(film: Film, number: int, state: str = "done", **changes: Any) -> Job:
    """Return the job of a shot in this state; one that is done has a result."""
    take = film.take(number)
    part = Part(film_id=film.id, shot_id=take.shot.id, number=number, of=len(film.takes), message_id=30)
    result = RESULT if state in {"done", "delivering"} else None
    return a_job(**{"id": take.job_id, "state": state, "result": result, "part": part, **changes})
