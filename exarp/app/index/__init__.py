"""The index that runs leave for the next one: how it is made, patched, and taken for a run of a part."""
