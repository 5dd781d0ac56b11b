"""The control plane's half of reconciling: what is wanted on which host, and what statuses follow from reports."""
