"""Takes from this process what a decoder does not need, so that a file that takes it over gains nothing.

Each layer is independent: where the kernel refuses one, the others still hold, and the bot warns at its start.
"""

import errno
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import landlockpy
import seccompy
from landlockpy import AccessFS, Ruleset, Scope
from seccompy.syscalls import AARCH64_SYSCALLS, X86_64_SYSCALLS

from bot.workers.linux import RefusedByKernel, drop_capabilities, forbid_new_privileges, leave_namespaces

Layer: TypeAlias = Literal["privileges", "namespaces", "files", "system calls"]
Result = TypeVar("Result")

_READ = AccessFS.READ_FILE | AccessFS.READ_DIR
_WRITE = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.TRUNCATE
_WRITE_IN = _WRITE | AccessFS.READ_DIR | AccessFS.MAKE_REG | AccessFS.REMOVE_FILE
# Shared libraries, fonts, clocks and devices without content. Neither /proc, which shows other processes, nor /etc.
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store")
_READABLE = (
    *("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/usr/share/zoneinfo"),
    *("/usr/share/fonts", "/usr/share/fontconfig", "/usr/local/share/fonts"),
    *("/dev/urandom", "/dev/random", "/dev/zero", "/sys/devices/system/cpu"),
)
_WRITABLE = ("/dev/null",)

# Everything that the list of system calls knows is allowed but these; what it does not know, it refuses as unknown.
# fmt: off
_REFUSED = frozenset({
    # the network, and sockets to other processes
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4",
    # other processes: new ones, signals, memory, limits and priorities
    "fork", "vfork", "execveat", "setsid", "setpgid",
    "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp",
    "setpriority", "ioprio_set", "sched_setscheduler", "sched_setparam", "sched_setattr",
    "move_pages", "migrate_pages", "get_robust_list",
    "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop",
    "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_notify",
    # namespaces, mounts and handles, which lead around the limits on files
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at",
    # metadata of files, which Landlock does not cover
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
    "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat",
    "utime", "utimes", "utimensat", "futimesat",
    # parts of the kernel that work around this list, or in which holes are found most often
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd", "seccomp",
    "keyctl", "add_key", "request_key", "fanotify_init", "modify_ldt", "personality", "lookup_dcookie",
    # the machine itself
    "init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime", "adjtimex",
    "clock_adjtime", "iopl", "ioperm", "sethostname", "setdomainname", "vhangup", "uselib", "nfsservctl", "sysfs",
})
# fmt: on
_CLONE_THREAD = 0x00010000
# Options that choose who is sent a signal, type into a terminal, or undo what the bot has set.
_OPTIONS_REFUSED = (
    ("fcntl", 1, (8, 10, 15)),  # F_SETOWN, F_SETSIG, F_SETOWN_EX
    ("ioctl", 1, (0x5412, 0x541C, 0x8901, 0x8902)),  # TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP
    ("prctl", 0, (1, 4)),  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE
)
_OF_ITSELF_ONLY = ("prlimit64", "sched_setaffinity")  # with 0 for the process
_SYSTEM_CALLS = {"x86_64": X86_64_SYSCALLS, "aarch64": AARCH64_SYSCALLS}


class Confinement:
    """The layers around one process. `isolate` comes first; `confine` is for good, and children inherit it.

    With `executes`, the process goes on to replace itself by a program. `refusals` has the kernel's reason for each
    layer that it refused.
    """

    def __init__(self, *, executes: bool) -> None:
        self.refusals: dict[Layer, str] = {}
        # Both libraries look for libc, with another program's help, when they are first called: before it is too late.
        self._has_landlock = self._try("files", _check_landlock)
        self._filter = self._try("system calls", lambda: _filter(executes=executes))

    def isolate(self) -> None:
        """Leave the bot's namespaces and give up all capabilities; must come before the first thread."""
        self._try("namespaces", leave_namespaces)
        self._try("privileges", drop_capabilities)
        self._try("privileges", forbid_new_privileges)

    def confine(self, *, readable: Iterable[Path], writable: Iterable[Path] = (), program: Path | None = None) -> None:
        """Leave only these files and folders, and harmless system calls; only `program` can be executed.

        A path that does not exist is skipped. A writable file can be overwritten; in a writable folder, files can be
        made and removed.

        Raises:
            OSError: the kernel supports a layer and yet failed to set it.
        """
        if self._has_landlock:
            _limit_files(readable, writable, program)
        if self._filter is not None:
            self._filter.load()

    def _try(self, layer: Layer, step: Callable[[], Result]) -> Result | None:
        try:
            return step()
        except (RefusedByKernel, landlockpy.LandlockError, seccompy.SeccompError) as refused:
            self.refusals[layer] = str(refused)
            return None


def _check_landlock() -> bool:
    """Return True; raises RefusedByKernel or LandlockError where there is no Landlock, as below an old Docker."""
    if not landlockpy.abi_version():
        raise RefusedByKernel("the kernel has no Landlock")
    return True


def _limit_files(readable: Iterable[Path], writable: Iterable[Path], program: Path | None) -> None:
    with Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET) as rules:
        for path in map(Path, _LIBRARIES):
            # The dynamic linker, which exec opens as a program, is among them.
            _allow(rules, path, _READ | AccessFS.EXECUTE if program else _READ)
        for path in (*map(Path, _READABLE), *readable):
            _allow(rules, path, _READ)
        for path in (*map(Path, _WRITABLE), *writable):
            _allow(rules, path, _WRITE_IN)
        if program is not None:
            _allow(rules, program, AccessFS.READ_FILE | AccessFS.EXECUTE)
        rules.restrict()


def _allow(rules: Ruleset, path: Path, access: AccessFS) -> None:
    """Allow it, if it can be found; to a file, only what there is to do with a file."""
    try:
        rules.allow_path(path, access if path.is_dir() else access & (_WRITE | AccessFS.EXECUTE))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # then less is allowed


def _filter(*, executes: bool) -> seccompy.Filter:
    """Return the filter of system calls, assembled, so that a forked child need not do so.

    Raises:
        RefusedByKernel: the kernel has no such filters, or the processor's system calls are not listed.
        SeccompError: it does not tell.
    """
    if not seccompy.supported():
        raise RefusedByKernel("the kernel has no seccomp filters for this processor")
    names = _SYSTEM_CALLS[seccompy.arch()].keys()
    # What is unknown fails as on an older kernel, which every program is prepared for; so do x32's numbers.
    rules = seccompy.Filter(default=seccompy.Action.ERRNO | errno.ENOSYS)
    refused = _REFUSED if executes else _REFUSED | {"execve"}
    for name in sorted(refused & names):
        rules.errno(name, errno.EPERM)
    rules.allow("clone", args=[(0, seccompy.CmpOp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)])
    rules.errno("clone", errno.EPERM)
    rules.errno("clone3", errno.ENOSYS)  # its options are out of a filter's sight; libc calls clone instead
    for name, index, options in _OPTIONS_REFUSED:
        for option in options:
            rules.errno(name, errno.EPERM, args=[_is(index, option)])
    for name in _OF_ITSELF_ONLY:
        rules.allow(name, args=[_is(0, 0)])
        rules.errno(name, errno.EPERM)
    for name in sorted(names - refused - {"clone", "clone3", *_OF_ITSELF_ONLY}):
        rules.allow(name)
    _ = rules.program
    return rules


def _is(index: int, value: int) -> seccompy.ArgCmp:
    """Return the condition that an argument is this number of 32 bits; the kernel ignores the upper half."""
    return seccompy.ArgCmp(index, seccompy.CmpOp.MASKED_EQ, value, 0xFFFFFFFF)
