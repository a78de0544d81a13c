"""Recognise people on an edge device from one photo each."""
