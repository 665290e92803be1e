"""What holds for all tests: they run beside each other, so no time that one takes says anything."""

from hypothesis import HealthCheck, settings

settings.register_profile("beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside others")
