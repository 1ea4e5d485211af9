"""Image files as bytes: what kind a file is and what its chunks say, read before any decoder sees it."""
