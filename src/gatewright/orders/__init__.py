"""Orders: what a purchase leaves behind. Every order counts as paid for now."""
