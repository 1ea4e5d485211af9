"""What `cloakroom bench daemon` measures, one part a file: each has a `measure` that returns its own figures."""
