"""Use cases, one module a command, and in folders what they are made of. Prints nothing."""
