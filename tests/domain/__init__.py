"""Hold the decisions to their claims, without any service."""
