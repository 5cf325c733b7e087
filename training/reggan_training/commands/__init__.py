"""The commands that this package adds to `reggan-plugin`, one file each."""
