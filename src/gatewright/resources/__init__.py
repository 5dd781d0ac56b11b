"""What the resources are, without I/O and without a clock: regions, states, specs, address arithmetic."""
