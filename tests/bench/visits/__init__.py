"""Does everybody who comes on screen get their name, once, and nobody else? Measured on a film whose truth is known."""
