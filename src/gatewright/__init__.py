"""Gatewright: a self-hosted VPN gateway service with the Alibaba Cloud VPC OpenAPI."""

__version__ = "0.1.0"
