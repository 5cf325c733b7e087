"""Measures of a model: distances to the true picture, and judges that never trained it."""
