"""A run as it goes on and when it has ended: lines, live, documents."""
