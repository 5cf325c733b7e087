"""Model files: which ship, what their card says, whether they are whole and safe to open."""
