"""Lazo: ask the customer, keep the answer, mend what failed."""
