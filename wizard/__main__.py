"""``python -m wizard``: the same door as ``matrix-wizard``."""

import sys

from wizard.cli import main

sys.exit(main())
