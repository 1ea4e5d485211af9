"""The local page with the daemon's numbers as plots; served by `cloakroom dashboard`, not by the daemon."""
