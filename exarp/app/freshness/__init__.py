"""Which files a task reads and makes, what earlier runs left of it, and whether it is up to date."""
