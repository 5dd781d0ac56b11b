"""How much of a resource an account may have."""
