"""A run under way: the loop between machine and world, how tasks are started, and what comes of it."""
