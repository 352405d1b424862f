"""What Lazo decides, without knowing where it runs."""
