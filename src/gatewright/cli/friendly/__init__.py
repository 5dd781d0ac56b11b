"""What people do most, and mostly want chosen for them: ``gatewright gateways``, ``vpcs``, ``vswitches`` and others."""
