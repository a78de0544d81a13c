"""Have a running process try to open files: `ask.py PID FILE...` prints an error number a line, 0 where it can.

The process is stopped in a system call and made to use that very instruction for others; then it goes on as if nothing
had been. A debugger would write back all registers, and one that is older than the processor cannot. x86-64 only, as
root.
"""

import ctypes
import os
import sys
import time

NAMES = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
OTHERS = "fs_base gs_base ds es fs gs"
SINGLESTEP, GETREGS, SETREGS, ATTACH, DETACH = 9, 12, 13, 16, 17
OPENAT, CLOSE = 257, 3
SYSCALL = b"\x0f\x05"
RED_ZONE = 4096
"""Bytes below the stack that are left alone; the ABI asks for 128."""
WALL = 0x40000000
TRIES = 200


class Registers(ctypes.Structure):
    """struct user_regs_struct of <sys/user.h>."""

    _fields_ = [(name, ctypes.c_ulong) for name in f"{NAMES} {OTHERS}".split()]


class Stopped:
    """A process that is stopped within a system call."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._memory = os.open(f"/proc/{process}/mem", os.O_RDWR)
        for _ in range(TRIES):
            self._trace(ATTACH)
            os.waitpid(process, WALL)
            self._before = self._registers()
            if os.pread(self._memory, len(SYSCALL), self._before.rip - len(SYSCALL)) == SYSCALL:
                return
            self._trace(DETACH)
            time.sleep(0.01)
        raise SystemExit(f"process {process} was never met in a system call")

    def opens(self, path: str) -> int:
        """Return the error number of opening a file for reading, 0 if it opens."""
        place = self._before.rsp - RED_ZONE
        os.pwrite(self._memory, os.fsencode(path) + b"\0", place)
        found = self._call(OPENAT, -100, place, os.O_RDONLY | os.O_CLOEXEC)  # from the working folder
        if found >= 0:
            self._call(CLOSE, found)
        return max(0, -found)

    def resume(self) -> None:
        """Let it go on."""
        self._trace(SETREGS, self._before)
        self._trace(DETACH)

    def _call(self, number: int, *arguments: int) -> int:
        registers = Registers.from_buffer_copy(self._before)
        registers.rip -= len(SYSCALL)
        registers.rax, registers.orig_rax, registers.r10 = number, ctypes.c_ulong(-1).value, 0
        for name, value in zip(("rdi", "rsi", "rdx"), arguments, strict=False):
            setattr(registers, name, ctypes.c_ulong(value).value)
        self._trace(SETREGS, registers)
        self._trace(SINGLESTEP)
        os.waitpid(self._process, WALL)
        return ctypes.c_long(self._registers().rax).value

    def _registers(self) -> Registers:
        registers = Registers()
        self._trace(GETREGS, registers)
        return registers

    def _trace(self, request: int, registers: Registers | None = None) -> None:
        given = ctypes.byref(registers) if registers else None
        if self._libc.ptrace(request, self._process, None, given) < 0:
            raise SystemExit(f"process {self._process} cannot be traced: {os.strerror(ctypes.get_errno())}")


def main() -> None:
    """Ask the process that the command line names."""
    stopped = Stopped(int(sys.argv[1]))
    try:
        codes = [stopped.opens(path) for path in sys.argv[2:]]
    finally:
        stopped.resume()
    sys.stdout.writelines(f"{code}\n" for code in codes)


if __name__ == "__main__":
    main()
