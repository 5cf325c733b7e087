"""The only code that opens image files: frames, sequences, and nothing of what they show."""
