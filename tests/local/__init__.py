"""Tests of the local system, with a small application of their own."""
