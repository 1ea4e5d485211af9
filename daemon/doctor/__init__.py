"""What can be wrong with Cloakroom on a machine: one file for each area, and the list of them all in `areas`."""
