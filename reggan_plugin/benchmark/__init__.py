"""How fast it is here: models on devices, and whole frames."""
