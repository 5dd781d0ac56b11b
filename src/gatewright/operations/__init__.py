"""What the service does: one module a resource, one class an operation."""
