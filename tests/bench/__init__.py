"""The bench's own arithmetic, against cases worked out by hand."""
