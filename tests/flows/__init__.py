"""Each step of the loop over the ports in memory."""
