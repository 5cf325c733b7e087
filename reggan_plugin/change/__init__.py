"""A face goes from a crop to an `Answer`, and the answer changes a picture: see `pipeline`."""
