"""Training of expression models: data, networks, regression, losses, metrics."""
