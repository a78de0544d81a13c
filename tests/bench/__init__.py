"""Benches of the device side; they are run by hand, and in a small slice by a test."""
