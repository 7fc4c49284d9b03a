"""Use cases, one module a verb, and the wiring that picks adapters. Prints nothing."""
