"""The agent: makes one host run what is wanted of it, and tells what it sees."""
