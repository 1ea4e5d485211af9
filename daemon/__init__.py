"""The loopback service and the `cloakroom` command."""

VERSION = "0.1.0"

DEFAULT_PORT = 38917
