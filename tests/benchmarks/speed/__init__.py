"""The parts of `cloakroom bench speed`, one in each file: its `measure` returns the part's figures."""
