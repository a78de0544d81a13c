"""What is freed goes back to the system when it is asked for, and threads leave no arenas behind."""

import subprocess
import sys

import pytest

from edgeface.drivers import memory

SCRIPT = """
import ctypes
from pathlib import Path
from edgeface.drivers.memory import give_back
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = []
for _ in range(401):  # small enough for the heap; the last one stays, so that the heap's end does not shrink
    blocks.append(libc.malloc(100_000))
    ctypes.memset(ctypes.c_void_p(blocks[-1]), 1, 100_000)
blocks.pop()
before = resident()
for block in blocks:
    libc.free(block)
kept = resident()
print(give_back(), before - kept, kept - resident())
"""

THREADS = """
import sys, threading
from edgeface.drivers.memory import share_one_arena
if sys.argv[1] == "one":
    assert share_one_arena()
def places():
    heaps = [line.split()[0].split("-") for line in open("/proc/self/maps") if line.endswith("[heap]\\n")]
    return [(int(first, 16), int(last, 16)) for first, last in heaps]
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
inside = []
def allocate():
    block = libc.malloc(1000)
    inside.append(any(first <= block < last for first, last in places()))
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(all(inside))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator that is asked is glibc's")
def test_freed_memory_is_the_processes_until_it_is_given_back():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    given, by_itself, on_demand = done.stdout.split()
    assert given == "True"
    assert int(by_itself) < 10_000_000 < 30_000_000 < int(on_demand)


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator that is asked is glibc's")
@pytest.mark.parametrize(("arenas", "in_the_heap"), [("one", "True"), ("many", "False")])
def test_threads_share_one_arena_when_they_are_told_to(arenas, in_the_heap):
    done = subprocess.run([sys.executable, "-c", THREADS, arenas], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == in_the_heap


def test_another_c_library_has_nothing_to_ask(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert not memory.give_back()
    assert not memory.share_one_arena()
