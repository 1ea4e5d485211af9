"""Tests run in as many processes as CI has cores: each takes one core, and so do the daemons that it starts."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
