"""What is deleted with a film's message."""

from dataclasses import replace

from bot.files.names import result_name
from cogs.results.films import files_of, shots_on_message
from tests.support.film_samples import a_film, a_shot_job


def test_what_another_message_shows_stays() -> None:
    """With a film that continues another go the shots on its own message, not those that it took from the other."""
    film = a_film("cut", "continue")
    own, others = a_shot_job(film, 2, "done"), a_shot_job(film, 1, "done")
    others = replace(others, address=replace(others.address, message_id=film.address.message_id + 1))
    jobs = {job.id: job for job in (own, others)}
    assert shots_on_message(film, jobs) == (own,)
    assert files_of(film, jobs) == [result_name(own.id)]
