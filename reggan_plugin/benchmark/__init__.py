"""Speed on this machine: models on devices, and whole frames."""
