"""What `cloakroom bench speed` measures, one part a file: each has a `measure` that returns its own figures."""
