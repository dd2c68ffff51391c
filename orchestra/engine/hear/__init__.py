"""What happened on the server, from its notices to everybody who listens."""
