"""The parts of `cloakroom bench daemon`, a file each, with a `measure` that returns figures."""
