"""Folders of thousands of photos: what there is to do, what was done already, and what became of each."""
