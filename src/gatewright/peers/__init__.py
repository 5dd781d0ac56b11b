"""What a customer's own device has to be told, so that its end of an IPsec connection meets ours.

::

    Peer                     one connection as the device sees it: "local" is the device, "remote" is the gateway
    peer                     makes one of what the API answers
    VENDORS                  what can be written, by the word that people choose it with
    CannotDo                 a device cannot do what the connection asks

Pure: answers in, text out. What is written for a device was tried where :attr:`Vendor.tried` says so.
"""

from gatewright.peers.answers import Unusable, peer
from gatewright.peers.model import Peer, PeerTunnel
from gatewright.peers.vendors import VENDORS
from gatewright.peers.writing import CannotDo, Part, Vendor

__all__ = ["VENDORS", "CannotDo", "Part", "Peer", "PeerTunnel", "Unusable", "Vendor", "peer"]
