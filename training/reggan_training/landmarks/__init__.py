"""Dense landmarks: points of any head, pictures with their places, the network that finds them."""
