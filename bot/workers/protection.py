"""Whether this machine's kernel confines the workers, in sentences for the operator."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from bot.workers.linux import RefusedByKernel, forbid_dumps
from bot.workers.run_once import RunFailed, refused_layers

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sentences:
    """What a layer does, and what is missing where the kernel refuses it."""

    holds: str
    missing: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class LayerState:
    """Whether one layer holds; without one that is not `needed`, the others protect the same."""

    name: str
    holds: bool
    needed: bool
    text: str


_LAYERS: Mapping[str, _Sentences] = {
    "privileges": _Sentences(
        "workers have no capabilities and cannot gain rights", "workers could gain rights by set-user-ID programs"
    ),
    "files": _Sentences(
        "Landlock shows workers only the file that they work on",
        "workers can read every file of this user, also the database and .env; use Linux 5.13 or newer with Landlock",
    ),
    "system calls": _Sentences(
        "seccomp refuses workers the network, other processes and new programs",
        "workers may use the network and signal the bot; use x86_64 or aarch64, on a kernel with seccomp filters",
    ),
    "namespaces": _Sentences(
        "workers are in user, network and IPC namespaces of their own",
        "workers share the bot's namespaces, as usual in Docker; the other layers keep them from its network",
        needed=False,
    ),
    "memory": _Sentences(
        "other processes of this user cannot read the bot's memory or environment",
        "other processes of this user can read the bot's memory and its keys",
    ),
}


def protect() -> list[LayerState]:
    """Hide this process's memory and first environment from others of its user, and tell which layers hold.

    The kernel is asked by a process that confines itself as workers do; this blocks until it has ended.

    Raises:
        RunFailed: that process could not be run, so no worker can be.
    """
    refusals = dict(refused_layers())
    try:
        forbid_dumps()
    except RefusedByKernel as refused:
        refusals["memory"] = str(refused)
    return [_state(name, sentences, refusals.get(name)) for name, sentences in _LAYERS.items()]


async def protect_and_warn() -> None:
    """Do what `protect` does, and log a warning for each layer that does not hold."""
    try:
        states = await asyncio.to_thread(protect)
    except RunFailed as error:
        _log.error("No worker can be run, so no file can be read: %s", error)
        return
    for state in states:
        if not state.holds:
            _log.warning("Workers are less confined than they could be (%s): %s", state.name, state.text)


def _state(name: str, sentences: _Sentences, refusal: str | None) -> LayerState:
    text = sentences.holds if refusal is None else f"{sentences.missing} ({refusal})"
    return LayerState(name, refusal is None, sentences.needed, text)
