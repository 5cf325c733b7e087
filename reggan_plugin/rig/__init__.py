"""A head with face shapes, laid over a picture: its shapes move the picture."""
