"""Slow, obvious functions that the tests compare with."""
