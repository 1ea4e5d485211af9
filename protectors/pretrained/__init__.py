"""Readers of networks that others trained, from the formats that registry packages carry them in."""
