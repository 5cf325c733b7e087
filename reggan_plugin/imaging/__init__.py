"""Pure functions on arrays: colour, crops, composites. No paths, no files."""
