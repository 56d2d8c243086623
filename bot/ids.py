"""Ids of jobs, orders and grants: 32 hexadecimal digits, those of one time beside each other in every index.

A database keeps its keys in order. Where each new one falls anywhere among all the old ones, nearly every row changes a
page of its own in every index; where it falls beside the last ones, many rows share a page.
"""

import secrets

_TIME_DIGITS = 8
_RANDOM_BYTES = 12


def new_id(*, at: float) -> str:
    """Return an id that nobody can guess and that is made only once; `at` is the time, in Unix seconds.

    Its first eight digits, which people see as a job's short id, count milliseconds and begin anew every 49 days. With
    more digits for the time, all jobs of the same minute would have the same short id.
    """
    ms = int(at * 1000) % 16**_TIME_DIGITS
    return f"{ms:0{_TIME_DIGITS}x}{secrets.token_hex(_RANDOM_BYTES)}"
