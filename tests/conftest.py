"""Tests run in as many processes as CI has cores: each takes one core, and so do the daemons that it starts."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Ends the run where a worker dies or the deadline passes.
pytest_plugins = ["tests.run_limits"]

os.environ.setdefault("OMP_NUM_THREADS", "1")
# What the person at this machine has set up is no part of a test.
os.environ["CLOAKROOM_SETTINGS"] = os.devnull

# Its assertions are tests' own, though its name is not one's.
pytest.register_assert_rewrite("tests.daemon.front.every_backend")

# How long an example takes says how busy the machine is, nothing else.
settings.register_profile("cloakroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cloakroom")
