"""What is answered over HTTP, over the ports in memory."""
