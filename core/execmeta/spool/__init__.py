"""Bytes on their way: the segments that a process writes before any store has its events."""
