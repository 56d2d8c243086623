"""Python's garbage collector: how often it runs, and what it need not look at.

A full collection looks at every object (https://docs.python.org/3/library/gc.html#gc.freeze). With 1,000 jobs in flight
it paused the event loop for 250 ms, and most of what it looked at were modules and Discord's servers, which stay.
"""

import gc

# So a full collection comes only after 100,000 new objects. Rarer, it would let the memory grow: the libraries leave
# about 70 objects (7 KB) of each job in cycles.
THRESHOLDS = (2000, 10, 5)


def collect_rarely() -> None:
    """Let the collector run more rarely."""
    gc.set_threshold(*THRESHOLDS)


async def freeze_when_ready() -> None:
    """Leave all that stays out of the collections to come.

    Call it when Discord's servers are in memory, each time that they come anew: what was left out before, and is
    garbage by now, is removed first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
