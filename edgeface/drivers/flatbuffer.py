"""Read a flatbuffer that anybody may have written: every offset, size and count is checked before it is followed.

Source: flatbuffers.dev, "FlatBuffer Internals". All numbers are little-endian. A table begins with the distance back
to its vtable, which holds its own size, the table's and, per field, the field's place in the table (0: absent).
"""

import struct
from typing import Self


class Malformed(ValueError):
    """The bytes are not what they claim to be."""


class Table:
    """A table at a place of a buffer, whose vtable is within it; fields are known by their slot, from 0."""

    def __init__(self, content: bytes, place: int) -> None:
        back = _number(content, "<i", place)
        vtable = place - back
        size, self._size = _number(content, "<H", vtable), _number(content, "<H", vtable + 2)
        if place % 4 or vtable % 2 or size < 4 or size % 2 or self._size < 4:
            raise Malformed(f"the table at {place} has no vtable")
        if vtable + size > len(content) or place + self._size > len(content):
            raise Malformed(f"the table at {place} reaches beyond the end")
        self._content, self._place = content, place
        self._fields = struct.unpack_from(f"<{size // 2 - 2}H", content, vtable + 4)

    def __repr__(self) -> str:
        return f"Table at {self._place}, slots {[slot for slot, field in enumerate(self._fields) if field]}"

    @classmethod
    def root(cls, content: bytes) -> Self:
        """Return the table that a buffer begins with."""
        return cls(content, _number(content, "<I", 0))

    def only(self, *slots: int) -> None:
        """Raise Malformed when a field is present that is none of these."""
        for slot, field in enumerate(self._fields):
            if field and slot not in slots:
                raise Malformed(f"the table at {self._place} has a field {slot} that edgeface does not know")

    def has(self, slot: int) -> bool:
        """Tell whether a field is present."""
        return slot < len(self._fields) and self._fields[slot] != 0

    def number(self, slot: int, kind: str, default: int = 0) -> int:
        """Return an integer of a `struct` kind (b, B, h, H, i, I, q, Q), or the default where it is absent."""
        return _number(self._content, f"<{kind}", self._field(slot, kind)) if self.has(slot) else default

    def child(self, slot: int) -> "Table | None":
        """Return a table, or None where it is absent."""
        return Table(self._content, self._target(slot)) if self.has(slot) else None

    def children(self, slot: int, most: int) -> "list[Table]":
        """Return the tables of a vector of at most so many, none where it is absent."""
        start, count = self._vector(slot, 4, most)
        places = [start + 4 * number for number in range(count)]
        return [Table(self._content, place + _number(self._content, "<I", place)) for place in places]

    def numbers(self, slot: int, kind: str, most: int) -> tuple[int | float, ...]:
        """Return the numbers of a vector of at most so many, none where it is absent."""
        start, count = self._vector(slot, struct.calcsize(kind), most)
        return struct.unpack_from(f"<{count}{kind}", self._content, start)

    def numbers_in(self, slot: int, kind: str, most: int) -> tuple[int, ...]:
        """Return the whole numbers of a kind that at most so many bytes hold."""
        start, count = self._vector(slot, 1, most)
        return struct.unpack_from(f"<{count // struct.calcsize(kind)}{kind}", self._content, start)

    def size(self, slot: int) -> int:
        """Return how many bytes a vector of bytes has."""
        return self._vector(slot, 1, len(self._content))[1]

    def text(self, slot: int, most: int = 4096) -> bytes:
        """Return a string's bytes, which are UTF-8 and end with a null character."""
        start, count = self._vector(slot, 1, most)
        if self.has(slot) and self._content[start + count : start + count + 1] != b"\0":
            raise Malformed(f"the string at {start} does not end")
        found = self._content[start : start + count]
        try:
            found.decode()
        except UnicodeDecodeError:
            raise Malformed(f"the string at {start} is not UTF-8") from None
        return found

    def _field(self, slot: int, kind: str) -> int:
        offset = self._fields[slot]
        if offset < 4 or offset + struct.calcsize(kind) > self._size:
            raise Malformed(f"field {slot} of the table at {self._place} is outside of it")
        return self._place + offset

    def _target(self, slot: int) -> int:
        place = self._field(slot, "I")
        return place + _number(self._content, "<I", place)

    def _vector(self, slot: int, item: int, most: int) -> tuple[int, int]:
        """Return where a vector's items begin and how many there are."""
        if not self.has(slot):
            return 0, 0
        place = self._target(slot)
        count = _number(self._content, "<I", place)
        if place % 4 or count > most or place + 4 + count * item > len(self._content):
            raise Malformed(f"the vector at {place} of {count} items is too long")
        return place + 4, count


def _number(content: bytes, kind: str, place: int) -> int:
    if not 0 <= place <= len(content) - struct.calcsize(kind):
        raise Malformed(f"place {place} is outside of its {len(content)} bytes")
    return struct.unpack_from(kind, content, place)[0]
