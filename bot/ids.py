"""Time-ordered ids of jobs, orders and grants: 32 hexadecimal digits.

As with UUIDv7 (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7), ordered keys share an index page; each
random key would change another one.
"""

import secrets

_TIME_DIGITS = 8
_RANDOM_BYTES = 12


def new_id(*, at: float) -> str:
    """Return a new unguessable id; `at` is the time in Unix seconds.

    Its first eight digits are milliseconds and wrap around every 49 days; the others are random, so a job's short id
    is made of the last ones.
    """
    ms = int(at * 1000) % 16**_TIME_DIGITS
    return f"{ms:0{_TIME_DIGITS}x}{secrets.token_hex(_RANDOM_BYTES)}"
