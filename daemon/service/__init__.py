"""The daemon as a service of the person's session, and which daemon runs now."""
