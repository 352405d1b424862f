"""Hold the adapters to what is theirs alone: spelling, encodings, links."""
