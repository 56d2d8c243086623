"""What pings say: one short sentence; the card above says the rest."""

from bot.jobs.model import Job, card_url
from bot.jobs.notices import NoticeKind, Told

_SAYS: dict[NoticeKind, str] = {
    "approval": "A video is waiting for your approval.",
    "ready": "Your video is ready.",
    "failed": "Your video didn't work out.",
    "declined": "Your video was declined.",
    "unapproved": "Nobody approved your video in time.",
    "film_ready": "Your film is ready.",
    "film_paused": "Your film is paused, because a shot didn't work out. Its card asks how to go on.",
}

_OF_SET_SAYS: dict[NoticeKind, str] = {
    **_SAYS,
    "approval": "Some videos are waiting for your approval.",
    "ready": "Your variations are ready.",
    "failed": "None of your variations worked out.",
    "declined": "Your variations were declined.",
    "unapproved": "Nobody approved your variations in time.",
}

_OF_FILM_SAYS: dict[NoticeKind, str] = {
    **_SAYS,
    "ready": _SAYS["film_ready"],
    "failed": _SAYS["film_paused"],
    "approval": "A film is waiting for your approval.",
    "declined": "Your film was declined.",
    "unapproved": "Nobody approved your film in time.",
}

_OF_DRAFTS_SAYS: dict[NoticeKind, str] = {
    "approval": "Some drafts are waiting for your approval.",
    "ready": "Your drafts are ready. Pick one.",
    "failed": "None of your drafts worked out.",
    "declined": "Your drafts were declined.",
    "unapproved": "Nobody approved your drafts in time.",
}


def notice_text(told: Told) -> str:
    """Return the reply to the card, which begins with a mention of whom it is for."""
    members = " ".join(f"<@{one}>" for one in (told.job.member_id, *told.others))
    whose = members if told.role_id is None else f"<@&{told.role_id}>"
    return f"{whose} {_says(told.notice.kind, told.job)}"


def film_announcement(member_id: int, kind: NoticeKind | None) -> str:
    """Return what a new message of a film says above its card, in place of a notice; `kind` is None if it is over."""
    return f"<@{member_id}> {'Your film has ended.' if kind is None else _OF_FILM_SAYS[kind]}"


def notice_mail(kind: NoticeKind, job: Job) -> str:
    """Return the direct message, with a link to the card."""
    return f"{_says(kind, job)} {card_url(job)}"


def _says(kind: NoticeKind, job: Job) -> str:
    """Return the sentence; of variations the last one tells it for all, of a film the shot that is asked about."""
    if job.part is not None:
        return _OF_FILM_SAYS[kind]
    if job.variation is None:
        return _SAYS[kind]
    return (_OF_SET_SAYS if job.variation.final is None else _OF_DRAFTS_SAYS)[kind]
