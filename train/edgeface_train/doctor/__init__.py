"""The data doctor: find in a folder of chips, before training, what would teach a network the wrong thing."""
