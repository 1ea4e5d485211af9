"""The protocol with browsers, the pipe to the worker, and their errors. Nothing here does input or output but the pipe."""
