"""`python -m medzoo` is the `medzoo` command."""

import sys

from medzoo.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
