"""Cloakroom's files on this machine: the state folder, the tokens in it, and the settings."""
