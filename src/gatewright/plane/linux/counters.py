"""What has gone over legs, as the kernel counts it at their outer ends."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

from gatewright.plane.linux import netlink
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.netlink import Netlink
from gatewright.resources.traffic import Count

#: linux/rtnetlink.h, linux/if_link.h: struct if_stats_msg, and the beginning of struct rtnl_link_stats64.
_GET_STATS = 94
_QUESTION = struct.Struct("=BBHII")
_LINK_64 = 1
_COUNTERS = struct.Struct("=4Q")


def read(legs: Mapping[str, str]) -> list[Count]:
    """The counts of instances, by the name of the outer end of the leg that leads outside; of those that there are.

    A question a link (20 us), which tells nobody else anything and no more than what is wanted. Raises PlaneError.
    """
    counts = []
    with step("counting what instances send and receive"), Netlink(socket.NETLINK_ROUTE) as asked:
        for instance_id, name in legs.items():
            try:
                index = socket.if_nametoindex(name)
                answer = asked.ask(_GET_STATS, _QUESTION.pack(0, 0, 0, index, 1 << (_LINK_64 - 1)))
            except OSError:
                continue  # it is gone, or about to be made
            told = netlink.table(answer or b"", _QUESTION.size).get(_LINK_64)
            if told is not None:
                # what the outer end receives is what the instance sends
                sent_packets, received_packets, sent_bytes, received_bytes = _COUNTERS.unpack_from(told)
                counts.append(Count(instance_id, received_bytes, received_packets, sent_bytes, sent_packets))
    return counts
