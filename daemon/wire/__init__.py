"""What crosses a wall: the protocol with browsers, the pipe to the worker, their errors and limits. It does no input or output."""
