"""What is no manifest and read like one: phase plans, wave plans, task states."""
