"""What may not be left after the processes were killed under traffic: lost, doubled or unpaid work."""

import contextlib
import json
from collections import Counter
from typing import Any

from sandbox.stage import StageError, eventually, text_of, videos_of
from tests.scale.fleet import Fleet, Server
from tests.support.mixed_traffic import PLACEHOLDER
from tests.support.rerun_steps import labels

ENDED_WITHIN_S = 90.0
LISTED_MAX = 20


async def wrong_ends(fleet: Fleet, used: set[Server]) -> list[str]:
    """Return what is left that should not be in the servers that had any traffic, once all is well or time is over."""

    async def look() -> bool | None:
        return None if await unfinished(fleet) or await _promises(fleet, used) else True

    with contextlib.suppress(StageError):
        await eventually(look, what="end of everything", within_s=ENDED_WITHIN_S)
    wrong = [f"job {row['id']} is {row['state']} and not told" for row in await unfinished(fleet)]
    for found in (_promises(fleet, used), _submitted_twice(fleet), _posted_wrongly(fleet, used), _paid_wrongly(fleet)):
        wrong += (await found)[:LISTED_MAX]
    return wrong


async def unfinished(fleet: Fleet) -> list[Any]:
    """Return the jobs that have not ended, or whose member was not told."""
    return await fleet.query("SELECT id, state FROM jobs WHERE told = 0")


async def ended(fleet: Fleet) -> int:
    """Return how many jobs have ended."""
    (row,) = await fleet.query("SELECT count(*) FROM jobs WHERE told <> 0")
    return row[0]


async def _promises(fleet: Fleet, used: set[Server]) -> list[str]:
    """Return the messages that still promise something: "thinking…", a placeholder, a Cancel button.

    A question that ended with its process has no answer; Discord's client says so, and nothing has changed.
    """
    cards = {str(row["message_id"]) for row in await fleet.query("SELECT message_id FROM jobs")}
    wrong: list[str] = []
    for message in await _messages(fleet, used):
        if message["loading"] and message["id"] in fleet.questions:
            continue
        if message["loading"]:
            private = "private" if message["ephemeral_for"] else "public"
            wrong.append(f"message {message['id']} is still thinking ({private})")
        elif message["id"] in cards and "Cancel" in labels(message):
            wrong.append(f"card {message['id']} still has a Cancel button")
        elif PLACEHOLDER in text_of(message):
            wrong.append(f"message {message['id']} is still a placeholder")
    return wrong


async def _messages(fleet: Fleet, used: set[Server]) -> list[dict[str, Any]]:
    found = [await fleet.stands.discord.get("messages", channel=server.channel) for server in used]
    return [message for channel in found for message in channel]


async def _submitted_twice(fleet: Fleet) -> list[str]:
    """Return the prompts that fal was asked for more often than there are jobs that asked.

    Every order has a prompt of its own, which a rerun repeats.
    """
    asked = Counter(str(one["input"]["prompt"]) for one in await fleet.stands.fal.get("requests"))
    jobs: Counter[str] = Counter()
    for row in await fleet.query("SELECT body FROM jobs"):
        jobs[json.loads(row["body"])["options"]["prompt"]] += 1
    return [
        f"fal has {times} requests of {prompt!r}, for {jobs[prompt]} jobs"
        for prompt, times in asked.items()
        if times > jobs[prompt]
    ]


async def _posted_wrongly(fleet: Fleet, used: set[Server]) -> list[str]:
    """Return the finished jobs without their one video, and the videos that belong to no job.

    What a channel does not take goes to the member as a direct message, which is printed.
    """
    posted = Counter({message["id"]: len(videos_of(message)) for message in await _messages(fleet, used)})
    rows = await fleet.query("SELECT id, message_id, body FROM jobs WHERE state = 'done'")
    wrong: list[str] = []
    for row in rows:
        body, card = json.loads(row["body"]), str(row["message_id"])
        how = f"message {card} has {posted[card]} videos; {body['trigger']}, {body['posted']}, {body['mailed']}"
        if body["mailed"] and not posted[card]:
            print(f"job {row['id']} went to its member: {how}")
        elif posted[card] != 1:
            wrong.append(f"job {row['id']} is done, and {how}")
    done = {str(row["message_id"]) for row in rows}
    return wrong + [f"message {card} has a video of no job" for card, n in posted.items() if n and card not in done]


async def _paid_wrongly(fleet: Fleet) -> list[str]:
    """Return what still holds money, what was paid without a video, and the errors in the books."""
    held = (
        "SELECT d.job_id, d.state, d.scope FROM draws d LEFT JOIN jobs j ON j.id = d.job_id "
        "WHERE d.state = 'held' OR (d.state = 'exposed' AND COALESCE(j.state, '') <> 'uncertain')"
    )
    wrong = [f"job {row['job_id']} still has money {row['state']} of {row['scope']}" for row in await fleet.query(held)]
    ended = (
        "SELECT job_id, scope, count(*) AS times FROM entries WHERE kind IN ('settle', 'release') "
        "GROUP BY job_id, scope HAVING count(*) > 1"
    )
    wrong += [f"job {row['job_id']} ended {row['times']} times in {row['scope']}" for row in await fleet.query(ended)]
    status, verdict = await fleet.ledger()
    print(f"ledger: {verdict}")
    return wrong if status == 0 else [*wrong, f"python -m bot ledger: {verdict}"]


async def all_ended(fleet: Fleet, *, within_s: float = ENDED_WITHIN_S) -> None:
    """Return once every job has ended."""

    async def look() -> bool | None:
        return None if await unfinished(fleet) else True

    await eventually(look, what="end of every job", within_s=within_s)
