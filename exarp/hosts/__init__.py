"""Running attempts: process trees. Knows nothing of waves."""
