"""Simulate the whole world around Lazo: a virtual clock, one seed, every fault there is, and the invariants."""
