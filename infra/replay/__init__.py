"""Run an export of past business through the whole running system, at the times at which it happened."""
