"""Training of models of contract 1: a picture and a mask for each of seven expressions."""
