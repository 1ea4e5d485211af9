"""The commands of `cloakroom`, a file each: `add` describes its arguments, `run` does it and returns the exit status."""
