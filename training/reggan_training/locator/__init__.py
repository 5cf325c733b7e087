"""The face landmark locator: data synthesis, two small networks, training and evaluation."""
