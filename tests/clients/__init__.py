"""Unmodified Alibaba Cloud SDKs drive the service: what they send is served, and what they get they understand."""
