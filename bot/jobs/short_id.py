"""The short id by which people read and type a job."""

import re

SHORT_ID_CHARS = 8
_TAIL_DIGITS = 10  # hexadecimal ones, as many bits as SHORT_ID_CHARS have
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # https://www.crockford.com/base32.html: no i, l, o or u
_MISREAD = str.maketrans("oil", "011")
_FULL_ID = re.compile(r"[0-9a-f]{32}")
_HEAD = re.compile(r"[0-9a-f]{6,31}")


def short_id(job_id: str) -> str:
    """Return the eight characters by which people read and type a job: 40 random bits, in Crockford's base 32.

    They are the end of the id, because jobs of the same moment begin alike. An id of another form is returned whole.
    """
    if not _FULL_ID.fullmatch(job_id):
        return job_id
    tail = int(job_id[-_TAIL_DIGITS:], 16)
    return "".join(_ALPHABET[tail >> shift & 31] for shift in range(5 * (SHORT_ID_CHARS - 1), -1, -5))


def id_patterns(text: str) -> tuple[str, ...]:
    """Return LIKE patterns for the ids that a typed text may mean; none where it is not the number of a job.

    A job is named by its id, by its short id, or by the first six digits or more, as older messages show it.
    """
    typed = text.strip().lower().removeprefix("job").strip()
    if _FULL_ID.fullmatch(typed):
        return (typed,)
    patterns = (f"{typed}%",) if _HEAD.fullmatch(typed) else ()
    read = typed.translate(_MISREAD)
    if len(read) == SHORT_ID_CHARS and all(char in _ALPHABET for char in read):
        tail = 0
        for char in read:
            tail = tail << 5 | _ALPHABET.index(char)
        patterns += (f"%{tail:0{_TAIL_DIGITS}x}",)
    return patterns
