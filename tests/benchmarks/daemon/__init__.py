"""What the daemon does under load, attack and loss, each part measured by a module of its own."""
