"""What crosses a wall: the protocol with browsers, the pipe to the worker, and their errors. It does no input or output."""
