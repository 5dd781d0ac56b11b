"""One module a kind of device."""

from __future__ import annotations

from gatewright.peers.vendors import (
    cisco_ios,
    fortigate,
    frr,
    juniper,
    libreswan,
    mikrotik,
    pfsense,
    strongswan,
    vyos,
    windows,
)
from gatewright.peers.writing import Vendor

#: In the order in which they are listed.
VENDORS: dict[str, Vendor] = {
    "strongswan": strongswan.KERNEL,
    "strongswan-userspace": strongswan.USERSPACE,
    "libreswan": libreswan.VENDOR,
    "vyos": vyos.VENDOR,
    "frr": frr.VENDOR,
    "cisco-ios": cisco_ios.VENDOR,
    "juniper": juniper.VENDOR,
    "mikrotik": mikrotik.VENDOR,
    "fortigate": fortigate.VENDOR,
    "pfsense": pfsense.VENDOR,
    "windows": windows.VENDOR,
}
