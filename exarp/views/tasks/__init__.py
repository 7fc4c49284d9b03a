"""Tasks: their list, and one of them resolved."""
