"""``gatewright gateways``, ``vpcs``, ``vswitches``: what people do most, and what they mostly want chosen for them."""
