"""What the daemon promises, measured: each module is one part of `cloakroom bench daemon`."""
