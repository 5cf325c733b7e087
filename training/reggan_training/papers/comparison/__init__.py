"""Seven methods measured beside each other on the same pictures."""
