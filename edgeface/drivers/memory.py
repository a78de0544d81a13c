"""Keep a process of months small: the C library holds on to memory that was needed for a moment."""

import ctypes
import gc

M_ARENA_MAX = -8
"""Of mallopt(3)."""


def share_one_arena() -> bool:
    """Let all threads to come allocate from one arena; tell whether the C library, glibc, has such a thing.

    Each opening of a camera is a thread of its own, and its pictures stay behind in an arena of its own: after 60
    openings these held 21 MB. Threads that hold Python's lock have no use for several.
    """
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(limit and limit(M_ARENA_MAX, 1))


def give_back() -> bool:
    """Return what nobody uses; tell whether the allocator had something to return.

    Objects that only refer to each other are collected first. Freed blocks that lie between others stay with a process
    until it asks: malloc_trim(3) of glibc; with other C libraries that is left out.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))
