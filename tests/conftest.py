"""Settings for the whole suite."""

from hypothesis import settings

# How long an example takes says nothing about it on a busy machine.
settings.register_profile("demitasse", deadline=None)
settings.load_profile("demitasse")
