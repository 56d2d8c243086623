"""Calls of Linux that Python has no functions for: prctl(2), unshare(2) and capset(2).

On another system, and where the kernel refuses, `RefusedByKernel` says why.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522


class RefusedByKernel(Exception):  # noqa: N818 - what happened; often an expected answer
    """The kernel does not offer this, or does not allow it to this process; `str()` is the kernel's reason."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies.

    It holds across exec, not for children. The caller checks whether the parent is still there.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def forbid_dumps() -> None:
    """Make `/proc/<pid>` of this process root's own: other processes of its user cannot read or trace it.

    Neither its memory nor the environment that it was started with can be read, and it leaves no core dump. Exec undoes
    this. See PR_SET_DUMPABLE in https://man7.org/linux/man-pages/man2/prctl.2.html.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """Make exec never give this process or its children more rights, as by a set-user-ID program."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def leave_namespaces() -> None:
    """Move this process, which must have one thread, to new user, network and IPC namespaces without any interface up.

    See https://man7.org/linux/man-pages/man7/user_namespaces.7.html. Docker's default seccomp profile refuses it.
    """
    _checked(_libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC))


def drop_capabilities() -> None:
    """Give up every capability, also those that a new user namespace gave, or that root has."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _checked(_libc().capset(header, (ctypes.c_uint32 * 6)()))


def _prctl(option: int, value: int) -> None:
    _checked(_libc().prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3))


def _libc() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise RefusedByKernel(f"{sys.platform} is not Linux")
    return ctypes.CDLL(None, use_errno=True)


def _checked(status: int) -> None:
    if status != 0:
        raise RefusedByKernel(os.strerror(ctypes.get_errno()))
