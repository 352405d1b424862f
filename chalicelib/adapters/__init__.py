"""Provide what the flows need: on AWS and on one machine alike, and in memory for tests and the simulation."""
