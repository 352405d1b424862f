"""Hold every adapter to what the ports promise, in memory and on the embedded AWS alike."""
