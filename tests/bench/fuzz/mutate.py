"""Change inputs a little, so that they stay near enough to valid to reach the depth of a parser."""

import copy
import json
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

Mutate = Callable[[Random, bytes], bytes]
"""Takes the source of chance and an input."""

NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 2**31 - 1, 2**31, 2**32 - 1)
VALUES = (
    *(None, True, False, 0, -1, 1, 0.5, 1e308, -1e308, 1e-320, float("nan"), float("inf"), 2**31, 2**63, 2**64),
    *(10**400, "", "\0", "a\nb", "\x1b[2J", "\u202e", "é" * 3, "../x", "/etc/passwd", "x" * 5000, "9" * 5000),
    *([], {}, [[]], [0] * 50, {"": 0}, {"kind": "file"}, "aGVsbG8=", "JPEG"),
)
"""What hostile JSON says where something else is expected."""
LITERALS = (
    *('""', "''", "0", "-1", "1e999", "nan", "inf", "-inf", "true", "2**3", "0x7fffffffffffffff", "[]", "{}", "[[[]]]"),
    *('"\\u0000"', '"\\n"', '"\\u001b[2J"', "9" * 5000, "1979-05-27T07:32:00Z", '"' + "x" * 5000 + '"', "{a=1,a=2}"),
    *('"""', "[" * 3000, "{x=" * 3000, '["a", 1]', '"../../x"'),
)
"""Likewise for TOML."""


def scramble(random: Random, content: bytes) -> bytes:
    """Change bytes wherever they are."""
    changed = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        place, size = random.randrange(len(changed) or 1), random.choice((1, 1, 2, 4, 8, 32))
        kind = random.randrange(6)
        if kind == 0:
            changed[place : place + 1] = bytes([random.randrange(256)])
        elif kind == 1:
            changed[place : place + 1] = bytes([(changed[place] if changed else 0) ^ 1 << random.randrange(8)])
        elif kind == 2:
            del changed[place : place + size]
        elif kind == 3:
            changed[place:place] = random.randbytes(size)
        elif kind == 4:
            source = random.randrange(len(changed) or 1)
            changed[place : place + size] = changed[source : source + size]
        else:
            width, order = random.choice("BHIQ"), random.choice("<>")
            number = struct.pack(f"{order}{width}", random.choice(NUMBERS) & (256 ** struct.calcsize(width) - 1))
            changed[place : place + len(number)] = number
    return bytes(changed)


def words(random: Random, content: bytes) -> bytes:
    """Change aligned 32-bit little-endian words: offsets, sizes and numbers of a flatbuffer."""
    changed = bytearray(content)
    if len(changed) < 8:
        return scramble(random, content)
    for _ in range(random.choice((1, 1, 2, 3))):
        # Tables are at both ends of a model, weights in between.
        near = random.choice((64, 512, 4096, len(changed)))
        place = random.randrange(min(near, len(changed) - 3)) & ~3
        place = random.choice((place, (len(changed) - 4 - place) & ~3))
        (old,) = struct.unpack_from("<I", changed, place)
        other = struct.unpack_from("<I", changed, random.randrange(len(changed) - 3) & ~3)[0]
        new = random.choice(
            (random.choice(NUMBERS), old + 4, old - 4, old ^ 1 << random.randrange(32), other, len(changed) - place)
        )
        struct.pack_into("<I", changed, place, new & 0xFFFFFFFF)
    return bytes(changed)


def picture(random: Random, content: bytes) -> bytes:
    """Change the chunks of a PNG and give them right checksums; scramble any other format."""
    chunks = _chunks(content)
    if len(chunks) < 2 or random.random() < 0.2:
        return scramble(random, content)
    place = random.randrange(len(chunks))
    kind, body = chunks[place]
    action = random.randrange(5)
    if action == 0:
        chunks[place] = (kind, scramble(random, body))
    elif action == 1 and kind in (b"IDAT", b"iCCP", b"zTXt"):
        chunks[place] = (kind, _repacked(random, body))
    elif action == 2:
        chunks.insert(random.randrange(len(chunks)), chunks[place])
    elif action == 3:
        del chunks[place]
    else:
        chunks[place] = (scramble(random, kind)[:4].ljust(4, b"a"), body)
    return content[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], 8
    while content.startswith(b"\x89PNG\r\n\x1a\n") and place + 12 <= len(content):
        size = struct.unpack_from(">I", content, place)[0]
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + size]))
        place += 12 + size
    return chunks


def _repacked(random: Random, body: bytes) -> bytes:
    try:
        return zlib.compress(scramble(random, zlib.decompressobj().decompress(body, 1 << 20)))
    except zlib.error:
        return scramble(random, body)


def json_tree(random: Random, content: bytes) -> bytes:
    """Change one value or key of a JSON document."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return scramble(random, content)
    holder = [tree]
    for _ in range(random.choice((1, 1, 2))):
        _change_node(random, holder)
    return json.dumps(holder[0]).encode()


def _change_node(random: Random, node: Any) -> None:
    """Descend to a random place, then replace, remove, rename or double what is there."""
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(node[key], dict | list) and node[key] and random.random() < 0.8:
            node = node[key]
            continue
        break
    action = random.randrange(5)
    if action == 0 and len(node) > 1:
        del node[key]
    elif action == 1 and isinstance(node, dict):
        node[random.choice(("", "a\nb", "x" * 3000, "\x1b[2J", "0.001", "nan", f"{key}s"))] = node.pop(key)
    elif action == 2 and isinstance(node, list):
        node.insert(key, copy.deepcopy(node[random.choice(keys)]))
    elif action == 3 and isinstance(node[key], str):
        node[key] = scramble(random, node[key].encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    else:
        node[key] = copy.deepcopy(random.choice((*VALUES, node[random.choice(keys)])))


def toml_lines(random: Random, content: bytes) -> bytes:
    """Change, move or double one line of a TOML document."""
    lines = content.decode("utf-8", "replace").split("\n")
    place = random.randrange(len(lines))
    name, equals, _ = lines[place].partition("=")
    action = random.randrange(6)
    if action == 0:
        del lines[place]
    elif action == 1:
        lines.insert(random.randrange(len(lines)), lines[place])
    elif action == 2 and equals:
        lines[place] = f"{name}= {random.choice(LITERALS)}"
    elif action == 3 and equals:
        lines[place] = random.choice((name[:-2], name * 2, "a.b", '""', '"a\\u000ab"', "x" * 3000)) + "= 1"
    elif action == 4:
        lines.insert(place, random.choice(("[[sink]]", "[sink]", "[camera]", "[[camera]]", "[a.b]", '["\\u001b"]')))
    else:
        return scramble(random, content)
    return "\n".join(lines).encode()


def one_of(*ways: Mutate) -> Mutate:
    """Return a mutator that takes one of these ways each time."""
    return lambda random, content: random.choice(ways)(random, content)
