"""For whom work is done: a member in a server."""

from typing import NamedTuple


class Requester(NamedTuple):
    """The member and the server that a piece of work is done for; `guild_id` is 0 in direct messages."""

    guild_id: int
    member_id: int
