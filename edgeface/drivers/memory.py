"""Give memory that was needed for a moment back to the system, which the C library keeps for later by itself."""

import ctypes
import gc


def give_back() -> bool:
    """Return what nobody uses; tell whether the allocator had something to return.

    Objects that only refer to each other are collected first. Freed blocks that lie between others stay with a process
    until it asks: malloc_trim(3) of glibc; with other C libraries that is left out.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
