"""What a member reads when the database does not answer, and when Wanda itself is at fault."""

from dataclasses import dataclass

STORAGE_TROUBLE = (
    "Wanda's database isn't answering, so nothing was started and nothing was charged. Try again in a few "
    "minutes, or tell an admin."
)
FILES_TROUBLE = (
    "The place where Wanda keeps files isn't answering, so nothing was started and nothing was charged. Try again in a "
    "few minutes, or tell an admin."
)
DISK_TROUBLE = "Wanda's disk is full or broken, so nothing was started and nothing was charged. Please tell an admin."


@dataclass(frozen=True, slots=True)
class TroubleTexts:
    """The two sentences of one place: `storage` for a database that does not answer, `defect` for any other error."""

    storage: str
    defect: str


COMMAND_TROUBLE = TroubleTexts(
    STORAGE_TROUBLE, "Something went wrong in Wanda, and nothing was started. Please tell an admin."
)
ORDER_TROUBLE = TroubleTexts(
    STORAGE_TROUBLE, "Something went wrong in Wanda, and nothing was charged. Please tell an admin."
)
PAGE_TROUBLE = TroubleTexts(STORAGE_TROUBLE, "Something went wrong in Wanda. Please tell an admin.")
ERASURE_TROUBLE = TroubleTexts(
    STORAGE_TROUBLE, "Something went wrong in Wanda, and not everything was deleted. Please tell an admin."
)


def job_trouble(unchanged: str) -> TroubleTexts:
    """Return the sentences for a button on a job's card; `unchanged` is a clause, "the video goes on"."""
    return TroubleTexts(
        f"Wanda's database isn't answering, so {unchanged}. Try again in a moment.",
        f"Something went wrong in Wanda, and {unchanged}. Please tell an admin.",
    )
