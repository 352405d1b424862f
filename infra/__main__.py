"""Run an operators' command: `python -m infra --help`."""

import sys

from infra.commands.line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
