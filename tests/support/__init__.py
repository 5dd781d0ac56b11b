"""What several tests need: a client, services, databases."""
