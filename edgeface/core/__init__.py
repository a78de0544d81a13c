"""The pure core: nouns and maths on numpy and the standard library; no I/O, no clock, no threads."""
