"""Hold Lazo to what it claims."""
