"""Planes turn specs into packets. They know nothing of HTTP, SQL or accounts."""
