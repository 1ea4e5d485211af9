"""Reads networks that others trained from the formats in which registry packages carry them."""
