"""The command line: parse, call app, pick a view, set the exit code."""
