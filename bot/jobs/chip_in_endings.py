"""How money that was chipped in is given back: one share, all of a member, or all of a chip-in that ends."""

from collections.abc import Iterable
from dataclasses import replace

from bot.errors import OptionRefused
from bot.jobs.chip_in_model import GONE, ChipIn, Over
from bot.jobs.chip_in_rows import chip_in_of, locked_chip_in, store_chip_in
from bot.jobs.removals import note_removal
from bot.ledger import reservations, tables
from bot.ledger.model import Share
from bot.storage.transaction import Many, One, Row, Transaction

_REASONS: dict[Over, str] = {
    "late": "not enough was added in time",
    "cancelled": "its maker cancelled it",
    "deleted": "its maker's data was deleted",
    "gone": "its message was deleted",
}


def take_back(chip_in_id: str, member_id: int, *, now: float) -> Transaction[int]:
    """Give a member back what they added; returns how much that was.

    Raises:
        OptionRefused: the chip-in is over or full, it is the maker's, who cancels it instead, or they added nothing.
    """
    chip_in = yield from locked_chip_in(chip_in_id)
    if chip_in is None or chip_in.job is None or chip_in.state == "over":
        raise OptionRefused(GONE)
    if chip_in.job.member_id == member_id:
        raise OptionRefused("It's your own video: press Cancel, and everybody gets their money back.")
    if chip_in.state == "full":
        raise OptionRefused("It's all paid for and about to begin, so it's too late to take yours back.")
    mine = [one for one in chip_in.shares if one.member_id == member_id]
    if not mine:
        raise OptionRefused("You haven't added anything here, so there's nothing to take back.")
    yield from _give_back(chip_in, mine, now)
    return sum(one.amount_microusd for one in mine)


def cancel(chip_in_id: str, member_id: int, *, now: float) -> Transaction[ChipIn]:
    """End the maker's chip-in and give everything back.

    Raises:
        OptionRefused: it is over, or another member's.
    """
    chip_in = yield from locked_chip_in(chip_in_id)
    if chip_in is None or chip_in.job is None or chip_in.state == "over":
        raise OptionRefused(GONE)
    if chip_in.job.member_id != member_id:
        raise OptionRefused(f"Only <@{chip_in.job.member_id}> can cancel this. You can take back what you added.")
    return (yield from _end(chip_in, "cancelled", now))


def end_late(chip_in_id: str, *, now: float) -> Transaction[bool]:
    """End a chip-in whose time is over, or whose server removed Wanda; returns whether it was ended by this."""
    chip_in = yield from locked_chip_in(chip_in_id)
    if chip_in is None:
        return (yield from _end_unreadable(chip_in_id, now))
    if chip_in.state == "over":
        return False
    left = yield One("SELECT guild_id FROM leaving WHERE guild_id = $1", (chip_in.guild_id,))
    if left is None and now < chip_in.expires_at:
        return False
    yield from _end(chip_in, "late", now)
    return True


def end_without_card(chip_in_id: str, message_id: int, *, now: float) -> Transaction[bool]:
    """End a chip-in whose card, this message, is gone; returns whether it was ended by this."""
    chip_in = yield from locked_chip_in(chip_in_id)
    if chip_in is None or chip_in.state == "over" or chip_in.address.message_id != message_id:
        return False
    yield from _end(chip_in, "gone", now)
    return True


def undo(chip_in_id: str, share_id: str, *, is_first: bool, now: float) -> Transaction[bool]:
    """Give back a share whose member read that nothing was held; returns whether it was there.

    With the first one, its maker's, the chip-in ends. A share of what has begun stays: others paid for that too.
    """
    chip_in = yield from locked_chip_in(chip_in_id)
    shares = () if chip_in is None else tuple(one for one in chip_in.shares if one.id == share_id)
    if chip_in is None or chip_in.state == "over" or not shares:
        return False
    if is_first:
        yield from _end(chip_in, "cancelled", now)
    else:
        yield from _give_back(chip_in, shares, now)
    return True


def forget_chip_ins_of(member_id: int, *, at: float) -> Transaction[None]:
    """Give back what the member added to others' chip-ins, and all of their own chip-ins; forget who they are there."""
    of_theirs = "SELECT id, body FROM chip_ins WHERE member_id = $1 OR (state = 'over' AND body LIKE $2) "
    added = (
        "OR id IN (SELECT group_id FROM reservations WHERE member_id = $1 AND purpose = 'share') ORDER BY guild_id, id"
    )
    rows: list[Row] = yield Many(of_theirs + added, (member_id, f"%{member_id}%"))
    for row in rows:
        yield from tables.lock_of_job(row["id"])
        chip_in = yield from chip_in_of(row["id"])
        if chip_in is None:
            continue
        if chip_in.job is not None and chip_in.job.member_id == member_id:
            ended = chip_in if chip_in.state == "over" else (yield from _end(chip_in, "deleted", at))
            others = tuple(one for one in ended.shares if one.member_id != member_id)
            yield from store_chip_in(replace(ended, job=None, film=None, shares=others), at)
        elif chip_in.state == "over":
            yield from store_chip_in(_without(chip_in, member_id), at)
        else:
            yield from _give_back(chip_in, [one for one in chip_in.shares if one.member_id == member_id], at)


def forget_chip_ins_in(guild_id: int) -> Transaction[None]:
    """Delete a server's chip-ins, with a note to remove their files; their shares are released with the server's."""
    rows: list[Row] = yield Many("DELETE FROM chip_ins WHERE guild_id = $1 RETURNING id", (guild_id,))
    for row in rows:
        yield from note_removal(row["id"])


def _give_back(chip_in: ChipIn, shares: Iterable[Share], now: float) -> Transaction[None]:
    """Release some shares; the others stay."""
    gone = {one.id for one in shares}
    for share_id in sorted(gone):
        yield from reservations.release(share_id, at=now, reason="the share was taken back")
    left = tuple(one for one in chip_in.shares if one.id not in gone)
    yield from store_chip_in(replace(chip_in, state="open", obstacle="", shares=left), now)


def _end(chip_in: ChipIn, over: Over, now: float) -> Transaction[ChipIn]:
    """Give everything back, and have the files removed; those of a film are its draft's, which stays."""
    yield from reservations.release_group(chip_in.id, at=now, reason=_REASONS[over])
    if chip_in.film is None:
        yield from note_removal(chip_in.id)
    ended = replace(chip_in, state="over", over=over, obstacle="")
    yield from store_chip_in(ended, now)
    return ended


def _end_unreadable(chip_in_id: str, now: float) -> Transaction[bool]:
    """Give everything back of a chip-in whose row cannot be read, and forget it; False if there is none."""
    row = yield One("DELETE FROM chip_ins WHERE id = $1 RETURNING id", (chip_in_id,))
    if row is None:
        return False
    yield from reservations.release_group(chip_in_id, at=now, reason="its row could not be read")
    if (yield One("SELECT id FROM film_drafts WHERE id = $1", (chip_in_id,))) is None:
        yield from note_removal(chip_in_id)
    return True


def _without(chip_in: ChipIn, member_id: int) -> ChipIn:
    return replace(chip_in, shares=tuple(one for one in chip_in.shares if one.member_id != member_id))
