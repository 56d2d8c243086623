"""A film's one message: what an edit sends, and what becomes of it when the message is gone."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.cards.film_cards import FilmCards, SharedFilm, film_name
from bot.cards.poster import MessageContent
from bot.errors import DeliveryError, DiscordBusy
from bot.films.model import Film, FilmState
from bot.jobs.model import Job, PostedVideo
from bot.runner.cards_port import MessageRef
from bot.settings import CardSettings, JobSettings
from tests.support.film_samples import a_film, a_picture, a_shot_job
from tests.support.job_samples import ADDRESS, NOW
from tests.support.stores import MemoryStore

HERE, ANEW = MessageRef(ADDRESS.channel_id, ADDRESS.message_id), MessageRef(ADDRESS.channel_id, 31)


class Discord:
    """The poster, which keeps what it is given; `is_there` is the film's message."""

    def __init__(self, *, is_there: bool = True, error: Exception | None = None) -> None:
        self.edits: list[MessageContent] = []
        self.posts: list[MessageContent] = []
        self._is_there = is_there
        self._error = error

    async def share(self, job: Job, content: MessageContent) -> bool:
        """Edit the message."""
        del job
        if self._error is not None:
            raise self._error
        self.edits.append(content)
        return self._is_there

    async def alone(self, job: Job, content: MessageContent) -> MessageRef:
        """Post a new one."""
        del job
        self.posts.append(content)
        return ANEW


class Cards(FilmCards):
    """The cards, on this Discord; the database knows no film."""

    def __init__(self, discord: Discord) -> None:
        nothing = cast("Any", SimpleNamespace(files=None))
        super().__init__(
            MemoryStore(), nothing, CardSettings(), JobSettings(), nothing, upload_timeout_s=1.0, now=lambda: NOW
        )
        self._post = cast("Any", discord)


def shots(film: Film, *states: str) -> dict[str, Job]:
    """Return the jobs of the film's first shots, those that are done with their files."""
    found = [a_shot_job(film, number, state) for number, state in enumerate(states, 1)]
    posted = [
        replace(job, posted=PostedVideo(1, file_name=f"shot{number}.mp4")) if job.state == "done" else job
        for number, job in enumerate(found, 1)
    ]
    return {job.id: job for job in posted}


async def test_the_film_comes_into_the_message_of_its_shots(tmp_path: Path) -> None:
    """The files that the card names stay; one of a former take goes, because the card does not name it."""
    film = a_film("cut", "cut", state="posting", revision=1)
    path = tmp_path / "joined.mp4"
    path.write_bytes(b"film")
    discord = Discord()
    posted = await Cards(discord).deliver_film(film, shots(film, "done", "done"), path)
    (edit,) = discord.edits
    assert (edit.file, edit.file_name) == (path, film_name(film))
    assert edit.stay == {film_name(film), "shot1.mp4", "shot2.mp4"}
    assert (posted.ref, posted.video) == (HERE, PostedVideo(4, file_name=film_name(film)))
    assert discord.posts == []


@pytest.mark.parametrize(
    ("state", "says", "tells"),
    [("paused", "Your film is paused", "failed"), ("cancelled", "Your film has ended.", None)],
)
async def test_a_message_that_is_gone_is_posted_anew(state: FilmState, says: str, tells: str | None) -> None:
    """It says above the card what a notice would, and pings for that alone; the videos went with the old one."""
    film = a_film("cut", "cut", state=state)
    discord = Discord(is_there=False)
    assert await Cards(discord).finish_film(film, shots(film, "done", "failed")) == ANEW
    (post,) = discord.posts
    assert post.announcement.startswith(f"<@{film.who.member_id}> {says}")
    assert (post.tells, post.file, post.card.parts) == (tells, None, ())


async def test_what_discord_never_takes_is_left() -> None:
    """A refused edit ends the try without a message; one that is only late is tried again by the driver."""
    film = a_film("cut", "cut", state="paused")
    jobs = shots(film, "done", "failed")
    assert await Cards(Discord(error=DeliveryError("no"))).finish_film(film, jobs) is None
    with pytest.raises(DiscordBusy):
        await Cards(Discord(error=DiscordBusy("later"))).finish_film(film, jobs)


def test_an_older_state_changes_nothing() -> None:
    """What the driver read before a press does not undo on the card what the press has changed."""
    film = a_film("cut", "cut", state="making", updated_at=NOW + 2)
    shared = SharedFilm()
    shared.learn_all(film, shots(film, "done"))
    shared.learn_all(replace(film, state="paused", updated_at=NOW + 1), {})
    assert shared.film == film
    assert not shared.has_ended()


def test_each_joined_film_has_a_name_of_its_own() -> None:
    """A file of the same name would not be sent again; one that was made of a spoiler is one."""
    film = a_film("cut", revision=1)
    names = {film_name(replace(film, revision=number)) for number in (1, 2, 3)}
    assert len(names) == 3
    hidden = replace(a_picture("a.png"), is_spoiler=True)
    take = replace(film.take(1), shot=replace(film.take(1).shot, picture=hidden))
    assert film_name(film.with_take(1, take)).startswith("SPOILER_wanda-film-")
