"""The parts of `cloakroom bench speed`, a file each, with a `measure` that returns figures."""
