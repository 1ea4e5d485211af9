"""What the daemon counts of itself, and the text that collectors read."""
