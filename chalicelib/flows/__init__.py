"""What Lazo does, step by step: load, decide, do."""
