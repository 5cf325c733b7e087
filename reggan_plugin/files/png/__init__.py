"""PNG files: samples and all that is beside them."""
