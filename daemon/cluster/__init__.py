"""The same work on more machines than one, by Ray. Nothing here is imported unless a cluster is asked for."""
