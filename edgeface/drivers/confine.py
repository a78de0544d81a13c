"""Take from a process what a decoder of strangers' pictures does not need: files, privileges, memory without end.

Landlock is the kernel's own (Linux 5.13 and later, docs.kernel.org/userspace-api/landlock.html); its three system calls
have the same numbers on every architecture, and no package that wraps them is established enough to depend on.
"""

import ctypes
import os
import resource
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
NO_NEW_PRIVILEGES = 38
"""Of prctl(2)."""
EXECUTE, READ_FILE, READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files a version of Landlock knows: all of them are taken."""
SCOPES = 0b11
"""From version 6 on: no abstract sockets and no signals to processes outside."""
MEMORY_BYTES = 3 << 30
"""Of address space: threads of decoders reserve far more than they use."""
OPEN_FILES = 64

NAMES_AND_CERTIFICATES = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
)
PROGRAMS = ("/usr", "/lib", "/lib64", "/dev/null", "/dev/urandom", "/sys/devices/system/cpu", "/proc/cpuinfo")


def confine() -> bool:
    """Confine this process for good: programs and what names need may be read, nothing may be written.

    To be called before it has any other thread. Return whether the kernel takes the file system away; without Landlock
    only privileges, core dumps, memory and the writing of files are.
    """
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):  # a service's filter of system calls may forbid it
            resource.setrlimit(limit, (most, most))
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    own = [sys.prefix, sys.base_prefix, *filter(None, sys.path)]
    return _keep_from_files(libc, [*PROGRAMS, *NAMES_AND_CERTIFICATES, *own])


def _keep_from_files(libc: ctypes.CDLL, readable: Iterable[str]) -> bool:
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = (1 << max(count for since, count in RIGHTS.items() if since <= version)) - 1
    wanted = struct.pack("=QQQ", rights, 0, SCOPES) if version >= 6 else struct.pack("=Q", rights)
    ruleset = libc.syscall(CREATE_RULESET, wanted, len(wanted), 0)
    if ruleset < 0:
        return False
    try:
        for place in readable:
            _allow(libc, ruleset, Path(place))
        return libc.syscall(RESTRICT_SELF, ruleset, 0) == 0 and _is_refused("/")
    finally:
        os.close(ruleset)


def _is_refused(place: str) -> bool:
    """Tell whether a folder that anybody may list cannot be: what a system call says of itself is tried."""
    try:
        os.close(os.open(place, os.O_RDONLY | os.O_DIRECTORY))
    except PermissionError:
        return True
    return False


def _allow(libc: ctypes.CDLL, ruleset: int, place: Path) -> None:
    """Let what lies there be read and run; what is not there needs no rule."""
    try:
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        allowed = EXECUTE | READ_FILE | (READ_FOLDER if is_folder else 0)
        libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, descriptor), 0)
    finally:
        os.close(descriptor)
