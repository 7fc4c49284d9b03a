"""From the words of a command line to the tasks that are meant, and to what these are given."""
