"""The contract between control plane and agent, and the ways it is carried."""
