"""How good a model is: distances to the true picture, and judges that never trained it."""
