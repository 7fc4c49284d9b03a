"""Running attempts: hosts start processes, pass on what they print, and see to it that none outlives its run."""
