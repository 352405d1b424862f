"""Measure what the design budgets: the bill, units, processor time, sizes and starts of the real code."""
