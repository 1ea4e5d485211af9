"""The daemon's counters, and the text that collectors read."""
