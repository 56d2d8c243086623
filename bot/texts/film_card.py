"""The one message of a film: a line for each shot, the joined film before its parts, and what can be done now.

The same film and jobs at the same time always give the same card, so an edit that is repeated after a crash changes
nothing.
"""

from collections.abc import Mapping

from bot.films.model import ENDED, Film
from bot.films.plan import TakeLook
from bot.films.quoting import seconds as total_seconds
from bot.jobs.disclosure import PROMPT_CHARS_SHOWN
from bot.jobs.model import FINISHED, Job, Live, card_url
from bot.money import dollars
from bot.texts import failures
from bot.texts.card import AMBER, BLUE, FILE, GREEN, GREY, VIOLET, JobCard, Media, join_within
from bot.texts.ending import charge_text
from bot.texts.estimate import estimate
from bot.texts.film_buttons import film_buttons, film_selects
from bot.texts.film_strip import Jobs, Lives, Strip, is_on_message, is_shown
from bot.texts.film_words import FAMILIES, SOUND, fade_words, film_title, seconds_words
from bot.texts.job_card import alt_text
from bot.texts.payers import PAYERS_CHARS_MAX
from bot.texts.plain import bar, cut, dotted, mebibytes, person, plain, visible
from bot.texts.progress import progress
from bot.texts.result_link import kept_words, usable_link
from bot.units import counted

PROMPT_CHARS_MAX = 44  # of a shot's prompt in its line
LINE_CHARS_MAX = 300
BAR_CELLS, JOINING_CELLS, DOT = 6, 12, " · "
NEVER_MADE = "⏹️"
_MARKS: Mapping[TakeLook, str] = {
    "to come": "⏳",
    "waiting": "⏳",
    "making": "▶️",
    "made": "✅",
    "failed": "⚠️",
    "unpaid": "⚠️",
    "skipped": "⏭️",
}
_COLOURS = {
    "waiting": AMBER,
    "making": BLUE,
    "paused": AMBER,
    "joining": VIOLET,
    "posting": VIOLET,
    "done": GREEN,
    "cancelled": GREY,
}


def film_card(film: Film, jobs: Jobs, lives: Lives, *, now: float) -> JobCard:
    """Return the card of the film as it is at `now` (Unix seconds); `jobs` are those of its takes that there are.

    The film's own live fraction, by its id, is how far its joining is.
    """
    strip = Strip.of(film, jobs, lives, now=now)
    lines = (_line(strip, number) for number in range(1, len(film.takes) + 1))
    price, quoted = _price(film, jobs)
    return JobCard(
        job_id=film.id,
        mode_title=f"Film · {FAMILIES[film.family]}",
        heading=film_title(film),
        has_prompt=False,
        colour=_COLOURS[film.state],
        body="\n".join((*lines, *_state_words(strip))),
        size=(film.resolution, *([seconds_words(lasts)] if (lasts := _seconds(strip)) else [])),
        options=_options(film),
        price=price,
        quoted=quoted,
        maker=person(film.who.member_id),
        remarks=_payers(film, jobs),
        facts=_facts(film),
        media=_film_media(film),
        parts=tuple(_media(film, job) for job in strip.shown),
        is_ended=film.state in ENDED,
        selects=film_selects(strip),
        buttons=film_buttons(strip),
    )


def _line(strip: Strip, number: int) -> str:
    take, look = strip.film.take(number), strip.looks[number - 1]
    prompt = plain(take.shot.prompt, PROMPT_CHARS_MAX) if visible(take.shot.prompt) else ""
    said = cut(_words(strip, number), LINE_CHARS_MAX)
    mark = NEVER_MADE if _is_never_made(strip, number) else _MARKS[look]
    return dotted((f"{mark} **{number}**", prompt, said))


def _is_never_made(strip: Strip, number: int) -> bool:
    """Return whether the film ended before this shot was begun."""
    return strip.film.state in ENDED and strip.looks[number - 1] in {"to come", "waiting"}


def _words(strip: Strip, number: int) -> str:
    take, job = strip.film.take(number), strip.job(number)
    if _is_never_made(strip, number):
        return "not made"
    match strip.looks[number - 1]:
        case "to come":
            waits = take.shot.needs_frame and number > 1
            return f"follows shot {number - 1}" if waits else "waits for its turn"
        case "waiting":
            return "waits for approval"
        case "making" | "made" if job is not None and job.state not in FINISHED:
            return _progress(job, strip.lives.get(job.id, Live()), strip.now)
        case "making" | "made":
            return f"{take.shot.seconds} s{'' if job is None else _where(strip.film, job)}"
        case "failed":
            return "not made"
        case "unpaid":
            return "not made, and its money was given back"
        case "skipped":
            return "left out"


def _progress(job: Job, live: Live, now: float) -> str:
    """Return how far a shot is in a few words: "▰▰▰▱▱▱ 40 %, about 1 min left"."""
    said = progress(job, live, now).partition("\n")[0].replace("**", "").split(DOT)
    if job.state != "running":
        return said[0]
    guess = estimate(max(0.0, now - (job.started_at or job.created_at)), live)
    share = "" if guess.fraction is None else f"{bar(guess.fraction, BAR_CELLS)} {int(guess.fraction * 100)} %"
    return ", ".join(part for part in (share or "being made", said[-1] if share else "") if part)


def _where(film: Film, job: Job) -> str:
    """Return where the video is if it is not on the film's message."""
    if is_shown(film, job) or job.state != "done" or job.mailed is not None:
        return ""
    if not is_on_message(film, job):
        return f" · [here]({card_url(job)})" if _is_of(film, job) else f" · [made before]({card_url(job)})"
    url = usable_link(job.result.url) if job.result is not None else None
    return f" · couldn't be attached: [fal's file]({url}), kept {kept_words(job.completed_at)}" if url else ""


def _state_words(strip: Strip) -> list[str]:
    match strip.film.state:
        case "waiting":
            asked = strip.asked
            return [] if asked is None else [progress(asked, Live(), strip.now)]
        case "paused":
            return _paused_words(strip)
        case "joining":
            return [_joining_words(strip.lives.get(strip.film.id, Live()).fraction)]
        case "posting":
            return ["**Posting the film…**"]
        case "done":
            return _done_words(strip)
        case "cancelled":
            return [_cancelled_words(strip)]
        case "making":
            return []


def _joining_words(fraction: float | None) -> str:
    share = "" if fraction is None else f"{bar(fraction, JOINING_CELLS)} **{int(fraction * 100)} %**{DOT}"
    return f"{share}**Joining the shots…**"


def _paused_words(strip: Strip) -> list[str]:
    numbers = strip.missing
    if not numbers:
        return ["**Paused.**"]
    first, others = numbers[0], len(numbers) - 1
    more = f" ({counted(others, 'other shot')} too)" if others else ""
    until = f"<t:{int(strip.film.ends_at)}:R>"
    return [
        f"**Paused at shot {first}{more}.** {_why(strip.job(first))}",
        f"-# Try it again, change it, or leave it out. Without an answer, the film ends as it is {until}.",
    ]


def _cancelled_words(strip: Strip) -> str:
    failure = next((job.failure for job in strip.jobs.values() if job.failure is not None), None)
    if strip.film.why in {"declined", "unapproved"} and failure is not None:
        return f"**{failures.failure_text(failure).what}** You weren't charged."
    if "made" in strip.looks:
        return "**Stopped.** The shots that are made stay here; what wasn't made costs nothing."
    return "**Stopped.** What wasn't made costs nothing."


def _why(job: Job | None) -> str:
    """Return why a shot was not made, and what it cost."""
    if job is None:
        return "It couldn't begin, so its money was given back."
    if job.state == "uncertain":
        return f"We can't tell whether it was made. {charge_text(job)}"
    if job.state == "cancelled" or job.failure is None:
        return f"It was cancelled. {charge_text(job)}"
    return f"{failures.failure_text(job.failure).what} {charge_text(job)}"


def _done_words(strip: Strip) -> list[str]:
    film = strip.film
    if film.why == "join":
        return ["**The shots couldn't be joined**, so here they are one by one."]
    if film.posted is not None and film.posted.reason is not None:
        size = f" ({mebibytes(film.joined.size_bytes)})" if film.joined is not None else ""
        return [f"**The film{size} couldn't be attached here**, so here are its shots one by one."]
    return []


def _seconds(strip: Strip) -> float:
    film = strip.film
    if film.joined is not None and film.state == "done":
        return film.joined.seconds
    is_over = film.state == "cancelled"
    shots = [
        take.shot
        for take, look in zip(film.takes, strip.looks, strict=True)
        if (look == "made" if is_over else look != "skipped")
    ]
    return total_seconds(film, shots)


def _options(film: Film) -> tuple[str, ...]:
    fade = (fade_words(film.crossfade_s),) if film.crossfade_s else ()
    return (*fade, *((f"{SOUND} soundtrack",) if film.soundtrack else ()))


def _price(film: Film, jobs: Jobs) -> tuple[str, str]:
    """Return what the film costs, and, once that is known, what it was to cost if that is another amount.

    Earlier takes that cost something count in both.
    """
    quoted = sum(take.quote_microusd for take in film.takes)
    if film.state not in ENDED:
        return dollars(quoted), ""
    of_film = [job for job in jobs.values() if _is_of(film, job)]
    now = {take.job_id for take in film.takes}
    quoted += sum(job.quote_microusd for job in of_film if job.charged_microusd and job.id not in now)
    paid = sum(job.charged_microusd or 0 for job in of_film)
    return dollars(paid), "" if paid == quoted else dollars(quoted)


def _payers(film: Film, jobs: Jobs) -> tuple[str, ...]:
    """Return who pays for it together, without sums: what each shot costs is known when it is made."""
    shares = [one for job in jobs.values() if _is_of(film, job) for one in job.shares if one.amount_microusd]
    names = [person(member_id) for member_id in dict.fromkeys(one.member_id for one in shares)]
    return (f"Paid together by {join_within(names, PAYERS_CHARS_MAX, between=', ')}",) if shares else ()


def _is_of(film: Film, job: Job) -> bool:
    return job.part is not None and job.part.film_id == film.id


def _facts(film: Film) -> tuple[str, ...]:
    if film.posted is None or film.joined is None:
        return ()
    size = film.posted.size_bytes or film.joined.size_bytes
    return (seconds_words(film.joined.seconds), mebibytes(size))


def _film_media(film: Film) -> tuple[Media, ...]:
    posted = film.posted
    if posted is None or posted.reason is not None or not posted.file_name:
        return ()
    prompts = " / ".join(visible(take.shot.prompt[:200]) for take in film.takes)
    alt = cut(f"The film: {prompts}", PROMPT_CHARS_SHOWN)
    return (Media(f"{FILE}{posted.file_name}", alt, "video", is_spoiler=is_spoiler(film)),)


def is_spoiler(film: Film) -> bool:
    """Return whether the film is shown as a spoiler, because a file that it was made of was."""
    return any(item.is_spoiler for take in film.takes for item in take.shot.files)


def _media(film: Film, job: Job) -> Media:
    name = "" if job.posted is None else job.posted.file_name
    number = 0 if job.part is None else job.part.number
    alt = cut(f"Shot {number}: {alt_text(job)}", PROMPT_CHARS_SHOWN)
    return Media(f"{FILE}{name}", alt, "video", is_spoiler=job.is_spoiler or is_spoiler(film))
