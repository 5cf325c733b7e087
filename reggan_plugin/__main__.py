"""`python -m reggan_plugin` is the `reggan-plugin` command."""

import sys

from reggan_plugin.cli import main

if __name__ == "__main__":
    sys.exit(main())
