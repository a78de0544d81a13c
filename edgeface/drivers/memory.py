"""Give memory that was needed for a moment back to the system, which the C library keeps for later by itself."""

import ctypes


def give_back() -> bool:
    """Return what the allocator holds and nobody uses; tell whether it had something to return.

    Freed blocks that lie between others stay with a process until it asks: malloc_trim(3) of glibc, on other C
    libraries nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
