"""The same system on one machine: embedded AWS, gateway, pumps, clock, mailbox."""
