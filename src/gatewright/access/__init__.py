"""Who calls: access keys and principals."""
