"""A sample job and its parts."""

from dataclasses import replace
from typing import Any

from bot.jobs.model import Address, Failure, Handle, Input, Job, Result
from bot.jobs.places import FileBounds, Places
from bot.requester import Requester

NOW = 1_795_000_000.0
JOB_ID = "0123456789abcdef0123456789abcdef"
REQUESTER = Requester(guild_id=1, member_id=2)
ADDRESS = Address(
    channel_id=20,
    message_id=30,
    application_id=40,
    token="token",
    token_expires_at=NOW + 900,
    size_limit_bytes=10 * 1024 * 1024,
    posted_at=NOW,
)
HANDLE = Handle(
    request_id="r-1",
    status_url="https://queue.fal.run/fal-ai/wan/requests/r-1/status",
    response_url="https://queue.fal.run/fal-ai/wan/requests/r-1",
    cancel_url="https://queue.fal.run/fal-ai/wan/requests/r-1/cancel",
)
RESULT = Result(url="https://v3.fal.media/files/x.mp4", seed=7)
PLACES = Places(
    running_max=1000,
    running_in_server_max=100,
    running_of_member_max=100,
    waiting_in_server_max=100,
    waiting_of_member_max=100,
    files=FileBounds(of_member_bytes=10**9, in_server_bytes=10**9),
)
FAILURE = Failure(kind="content_policy_violation", status=422)
PICTURE = Input(
    option="image",
    path=f"inputs/{JOB_ID}/image.png",
    file_name="lake.png",
    kind="image",
    format="png",
    size_bytes=1000,
    width=640,
    height=480,
)


def a_job(**changes: Any) -> Job:
    """Return an accepted Wan 2.7 job, with these fields changed."""
    job = Job(
        id=JOB_ID,
        guild_id=1,
        member_id=2,
        mode="wan27-image",
        options={"prompt": "a lake", "resolution": "1080p", "duration": 5},
        inputs=(PICTURE,),
        quote_microusd=750_000,
        formula="5 s × $0.15",
        prices_version="test",
        similar="wan27-image:1080p:5",
        state="accepted",
        created_at=NOW,
        updated_at=NOW,
        address=ADDRESS,
    )
    return replace(job, **changes)
