"""The linux plane: VPN gateways as network namespaces, bridges and strongSwan daemons on this host."""

from gatewright.plane.linux.host_check import requirements
from gatewright.plane.linux.options import HostOptions, UplinkMode, UplinkOptions
from gatewright.plane.linux.plane import LinuxPlane
from gatewright.plane.linux.survey import leftovers

__all__ = ["HostOptions", "LinuxPlane", "UplinkMode", "UplinkOptions", "leftovers", "requirements"]
