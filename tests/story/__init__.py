"""What people live through with the whole system running: told over HTTP and the mailbox, and nothing else."""
