"""Settings of the property tests."""

from hypothesis import settings

# The first call of a test may take long on a busy machine; that is not a failure.
settings.register_profile("edgeface", deadline=None)
settings.load_profile("edgeface")
