"""Checks of what can be wrong with Cloakroom on a machine, a file an area; `areas` lists them."""
