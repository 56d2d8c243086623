"""The whole error tree.

```
WandaError
├── Refusal                  a sentence for the member who asked; nothing was spent
│   ├── OptionRefused        an option, or a rule between options, is broken
│   ├── MediaRefused         an attachment is not what the mode can use
│   ├── QuotaExceeded        a budget is short; carries the numbers
│   ├── NotAllowed           a server's rule, or the operator's, forbids it; names the rule
│   ├── ModeOff              the mode has no known price
│   ├── Closed               fal takes nothing now, or the mode is off until its price or schema fits again
│   ├── AlreadyRunning       the member's same rerun of the same video is still running
│   ├── FilesGone            Wanda's copy of a file was removed
│   └── Busy                 no capacity for another job, or Wanda is shutting down
├── StartRefused             the program cannot run like this; a sentence for the operator
│   └── SettingsRefused      because of a setting, so that another start changes nothing
├── StorageError             the database did not carry out the transaction, or no file could be kept
│   ├── StorageUnreachable   there is no connection to the database; it may come up yet
│   ├── OwnershipLost        another process has the database or its folder, or they were removed
│   ├── FilesUnavailable     the place where files are kept did not do what was asked; it may later
│   ├── NoDatabase           there is none yet
│   ├── OldDatabase          an older version's, which the next run updates
│   └── BackupRefused        a backup cannot be written, read or restored; a sentence for the operator
├── Unhealthy                the program ends itself, so that whatever supervises it starts it again
├── NotReserved              a job's hold was used, or released, before the job could be accepted with it
├── NotYet                   something does not work yet, only because its time has not come
├── FalError                 fal did not do what was asked
│   ├── FalUnreachable       no connection, or a reply that says "later"; a retry is safe
│   ├── FalRefused           a reply that proves refusal (4xx) of a submit, upload, status or cancel
│   │   └── FalAccountError  401 or 403: the operator's key or balance, no member's fault
│   ├── FalReplyLost         the submit was sent without a readable reply: fal may have accepted it
│   ├── FalNotReady          the result was requested before it was completed
│   ├── FalProtocolError     a reply that is not in fal's documented shape
│   │   └── FalReplyTooLarge a reply that is larger than what is read of one
│   └── FalFailure           the result says that no video was made; carries fal's type and details
├── DownloadError            a download failed; its partial file was removed
│   ├── DownloadTooLarge     it is larger than the limit
│   ├── DiskRefused          Wanda's own disk did not take it: it is full, read-only or broken
│   └── DownloadFailed       no connection, a bad reply, a host that is not allowed, or a timeout
├── EncodeFailed             a file could not be encoded or joined: no encoder, or not within its limits
│   ├── PartUnusable         one part of a film is no video that can be joined
│   └── NoRoom               Wanda's own disk did not take what was encoded
└── DeliveryError            Discord did not take the message or the video
    ├── TooLarge             Discord refused the file's size (413 or 40005)
    ├── Forbidden            Wanda may not post there, or the channel is gone, locked or closed to her
    ├── CardGone             the message was deleted
    └── DiscordBusy          Discord could not be reached, or answered "later" several times
```
"""

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "AlreadyRunning",
    "BackupRefused",
    "Busy",
    "CardGone",
    "Closed",
    "DeliveryError",
    "DiscordBusy",
    "DiskRefused",
    "DownloadError",
    "DownloadFailed",
    "DownloadTooLarge",
    "EncodeFailed",
    "FalAccountError",
    "FalError",
    "FalFailure",
    "FalNotReady",
    "FalProtocolError",
    "FalRefused",
    "FalReplyLost",
    "FalReplyTooLarge",
    "FalUnreachable",
    "FilesGone",
    "FilesUnavailable",
    "Forbidden",
    "MediaRefused",
    "ModeOff",
    "NextStep",
    "NoDatabase",
    "NoRoom",
    "NotAllowed",
    "NotReserved",
    "NotYet",
    "OldDatabase",
    "OptionRefused",
    "OwnershipLost",
    "QuotaExceeded",
    "Refusal",
    "SettingsRefused",
    "StartRefused",
    "StorageError",
    "StorageUnreachable",
    "TooLarge",
    "Unhealthy",
    "WandaError",
]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A button below a refusal: what the member can do now."""

    label: str
    custom_id: str
    is_main: bool = False


class WandaError(Exception):
    """The base of every error that Wanda raises on purpose; `next_steps` are the buttons below its answer."""

    next_steps: tuple[NextStep, ...] = ()


class Refusal(WandaError):
    """A command was refused and nothing was spent; `str()` is a whole sentence for the member."""


class OptionRefused(Refusal):
    """An option's value, or a rule between options, is broken; `option` names it, None for several or for a file."""

    def __init__(self, sentence: str, *, option: str | None = None) -> None:
        super().__init__(sentence)
        self.option = option


class MediaRefused(Refusal):
    """An attachment is not what the mode can use; the sentence holds the number and the limit."""


class ModeOff(Refusal):
    """The mode's price is unknown; such a mode is off, never free."""


class Closed(Refusal):
    """fal takes nothing now, or the mode is off until its price or schema fits again; the order may pass later."""


class AlreadyRunning(Refusal):
    """The member's same rerun of the same video is still running."""


class FilesGone(Refusal):
    """Wanda's copy of a file that the job needs was removed; the sentence asks for the file again."""


class Busy(Refusal):
    """There is no capacity for another job at the moment, or Wanda is shutting down."""


class QuotaExceeded(Refusal):
    """A budget cannot carry the quote. Integer micro-dollars; `renews_at` in Unix seconds, None for never."""

    def __init__(
        self,
        sentence: str,
        *,
        scope: str,
        short_microusd: int,
        left_microusd: int,
        cap_microusd: int,
        renews_at: float | None,
    ) -> None:
        super().__init__(sentence)
        self.scope = scope
        self.short_microusd = short_microusd
        self.left_microusd = left_microusd
        self.cap_microusd = cap_microusd
        self.renews_at = renews_at


class NotAllowed(Refusal):
    """A rule of the server, or of Wanda's operator, forbids the job. `rule` says which kind of rule it is."""

    def __init__(
        self,
        sentence: str,
        *,
        rule: Literal[
            "operator",
            "blocked",
            "paused",
            "channel",
            "mode",
            "resolution",
            "ceiling",
            "at_once",
            "fruitless",
            "posting",
            "commands",
            "timeout",
            "approver",
            "content",
        ],
    ) -> None:
        super().__init__(sentence)
        self.rule = rule


class StartRefused(WandaError):
    """The program cannot run like this; `str()` is the sentence for the operator."""


class SettingsRefused(StartRefused):
    """A setting is missing or not usable; another start without a change of it ends the same."""


class StorageError(WandaError):
    """The database did not carry out the transaction; nothing of it was stored."""

    is_trouble = True  # of what Wanda needs, and no defect: a warning about it needs no traceback


class NotReserved(WandaError):
    """Nothing is reserved for a job that was to be accepted: it was accepted already, or its hold was released."""


class StorageUnreachable(StorageError):
    """There is no connection to the database; it may come up yet."""


class OwnershipLost(StorageError):
    """The database or the data folder is no longer this process's alone: nothing may be written any more."""


class FilesUnavailable(StorageError):
    """The bucket or folder of files does not answer, or refuses; a sentence for the operator, without secrets."""


class NoDatabase(StorageError):
    """There is no database yet."""


class OldDatabase(StorageError):
    """The database is an older version's; the next run updates it."""


class BackupRefused(StorageError):
    """A backup cannot be written, read or restored, or a database not moved; `str()` says what to do."""


class Unhealthy(WandaError):
    """Wanda cannot work any more and ends herself; `str()` is the sentence for the operator."""


class FalError(WandaError):
    """fal did not do what was asked."""


class FalUnreachable(FalError):
    """No connection was established, or the reply says "later" (429, 5xx); a retry is safe."""


class FalReplyLost(FalError):
    """The submit was sent without a readable reply; fal may have accepted it."""


class FalNotReady(FalError):
    """The result was requested before it was completed (400); the request must be followed again."""


class FalProtocolError(FalError):
    """A reply was not in the shape that fal documents."""


class FalReplyTooLarge(FalProtocolError):
    """A reply was larger than what is read of one; without its log lines it may not be."""


class FalRefused(FalError):
    """fal's reply, with this HTTP `status`, proves that it did not do what was asked."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class FalAccountError(FalRefused):
    """401 or 403: the operator's key is wrong, or the account is locked (no balance)."""


@dataclass(eq=False)  # not frozen: contextlib sets an exception's __traceback__
class FalFailure(FalError):
    """The result GET says that no video was made.

    `kind` is fal's own name for it (`content_policy_violation`, `generation_timeout`, …) or "unknown".
    `billed_units` is None when fal did not say.
    """

    kind: str
    status: int
    message: str
    location: tuple[str, ...] = ()
    context: dict[str, Any] = field(default_factory=dict[str, Any])
    billed_units: float | None = None

    def __str__(self) -> str:
        return f"{self.kind} ({self.status}): {self.message}"


class DownloadError(WandaError):
    """A download failed; its partial file was removed."""


class DownloadTooLarge(DownloadError):
    """The file is larger than `limit_bytes`; its true size is not known."""

    def __init__(self, message: str, *, limit_bytes: int) -> None:
        super().__init__(message)
        self.limit_bytes = limit_bytes


class DiskRefused(DownloadError):
    """Wanda's own disk did not take the file: it is full, read-only or broken."""


class DownloadFailed(DownloadError):
    """No connection, a bad reply, a host that is not allowed, or a timeout; `status` is the last reply's, if any."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class EncodeFailed(WandaError):
    """A file could not be encoded to fit, or files not joined; `str()` says why, for the log."""


class NoRoom(EncodeFailed):
    """Wanda's own disk did not take what was encoded; the file itself may be fine."""


class PartUnusable(EncodeFailed):
    """Part `number` of a film, counted from 1, is no video that can be joined."""

    def __init__(self, number: int, why: object) -> None:
        super().__init__(f"part {number}: {why}")
        self.number = number


class NotYet(WandaError):
    """Something does not work yet, only because its time has not come; a check that raises it ends no process."""


class DeliveryError(WandaError):
    """Discord did not take the message or the video."""


class TooLarge(DeliveryError):
    """Discord refused the file's size (HTTP 413 or code 40005)."""


class Forbidden(DeliveryError):
    """Wanda may not post there, or the channel or thread is gone, locked or closed to her."""


class CardGone(DeliveryError):
    """The message was deleted, and no other was posted instead."""


class DiscordBusy(DeliveryError):
    """Discord could not be reached, or answered "later" several times; a later try may work."""
