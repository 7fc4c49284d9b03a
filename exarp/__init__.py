"""exarp: a declarative build tool that plans waves, checks them, and runs them.

Knows its version. Imports nothing, so that ``import exarp`` costs nothing.
"""

__version__ = "0.1.0"
