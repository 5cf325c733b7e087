"""From training runs to model files."""
