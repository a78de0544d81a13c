"""Destinations of events."""
