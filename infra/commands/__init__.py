"""The operators' commands: `python -m infra --help`."""
