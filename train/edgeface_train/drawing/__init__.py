"""Draw people who do not exist: a face as a shaded relief with painted features."""
