"""Whether a model file says the same as what it was made from, on every device."""
