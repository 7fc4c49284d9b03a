"""A project opened: its manifest found and read, what it was read from, and all that is wrong with it."""
