"""What can be wrong with a tunnel, what that means and what to do about it. Pure: one table for planes, API and pages.

``FailedReasonCode`` of DiagnoseVpnConnections is documented by examples; the words of the others are formed like these
(*assumed*). Parameters are told by the names that a connection with one tunnel has for them.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from gatewright.resources.tunnel_states import Trouble


class Severity(enum.StrEnum):
    """``Severity`` of a finding, from the worst."""

    CRITICAL = "Critical"
    WARN = "Warn"
    NORMAL = "Normal"


class Cause(enum.StrEnum):
    """What is wrong, as hosts tell it."""

    PEER_SILENT = "peer_silent"
    PEER_GONE = "peer_gone"
    PEER_ENDED = "peer_ended"
    IKE_PROPOSAL = "ike_proposal"
    IKE_ENCRYPTION = "ike_encryption"
    IKE_AUTHENTICATION = "ike_authentication"
    IKE_GROUP = "ike_group"
    IKE_VERSION = "ike_version"
    IKE_MODE = "ike_mode"
    KEY = "key"
    REMOTE_ID = "remote_id"
    LOCAL_ID = "local_id"
    IPSEC_PROPOSAL = "ipsec_proposal"
    IPSEC_ENCRYPTION = "ipsec_encryption"
    IPSEC_AUTHENTICATION = "ipsec_authentication"
    IPSEC_GROUP = "ipsec_group"
    SUBNETS = "subnets"
    LIFETIME = "lifetime"
    NAT = "nat"
    HEALTH = "health"
    BGP = "bgp"
    BGP_PEER_ASN = "bgp_peer_asn"
    BGP_LOCAL_ASN = "bgp_local_asn"
    NEGOTIATING = "negotiating"
    NOT_BEGUN = "not_begun"
    SAME_PEER = "same_peer"
    HOST = "host"
    # what hosts do not see
    NAT_UNWANTED = "nat_unwanted"
    OWN_NETWORK = "own_network"
    NO_ROUTE = "no_route"
    NOT_PUBLISHED = "not_published"
    CLOCK = "clock"
    AWAY = "away"
    UNSEEN = "unseen"
    UPDATING = "updating"
    UNATTACHED = "unattached"
    DOWN = "down"
    NONE = "none"


#: What is wrong with a session of BGP.
OF_BGP = frozenset((Cause.BGP, Cause.BGP_PEER_ASN, Cause.BGP_LOCAL_ASN))


class Meaning(NamedTuple):
    """What follows from a cause."""

    #: ``FailedReasonCode``.
    code: str
    severity: Severity
    #: What is wrong, in a few words.
    reason: str
    #: Where to change it, the likeliest first.
    parameters: tuple[str, ...]
    #: What to do, in whole sentences.
    advice: str
    #: The same in a few words, for where there is room for one line only.
    hint: str = ""
    #: It is phase 2 that failed: phase 1 stands.
    phase_2: bool = False

    @property
    def compared(self) -> str:
        """What the values of the two sides are of: a parameter, or what several of one object make together."""
        objects = dict.fromkeys(each.partition(".")[0] for each in self.parameters)
        return self.parameters[0] if len(self.parameters) == 1 else " and ".join(objects)


_C, _W, _N = Severity.CRITICAL, Severity.WARN, Severity.NORMAL

MEANINGS: dict[Cause, Meaning] = {
    Cause.PEER_SILENT: Meaning(
        "Phase1NegotiationTimeout",
        _C,
        "the peer does not answer",
        ("CustomerGatewayId",),
        "See whether the customer gateway's IpAddress is the device's, whether the device runs, and whether UDP 500 "
        "and 4500 are open on its side in both directions.",
        hint="is its address right, and are UDP 500 and 4500 open on its side?",
    ),
    Cause.PEER_GONE: Meaning(
        "DpdTimeout",
        _C,
        "the peer has stopped answering (DPD)",
        ("EnableDpd",),
        "See whether the device still runs and reaches the gateway's address by UDP 500 and 4500; the tunnel comes "
        "back when it answers.",
    ),
    Cause.PEER_ENDED: Meaning(
        "SaDeletedByPeer",
        _C,
        "the peer has ended the tunnel",
        ("IkeConfig.LocalId",),
        "The device says why in its log: somebody ended it there, or, if it ends each one as soon as phase 1 stands, "
        "it expects another IkeConfig.LocalId.",
    ),
    Cause.IKE_PROPOSAL: Meaning(
        "AlgorithmMismatch",
        _C,
        "phase 1: no proposal was chosen",
        ("IkeConfig.IkeEncAlg", "IkeConfig.IkeAuthAlg", "IkeConfig.IkePfs", "IkeConfig.IkeVersion"),
        "Compare IkeConfig (version, algorithms, group) on both sides and give them the same. Or the device has no "
        "connection for this gateway's address (InternetIp): many answer the same then.",
        hint="compare IkeConfig (version, algorithms, group) on both sides, or the device has no connection for this "
        "gateway's address (InternetIp)",
    ),
    Cause.IKE_ENCRYPTION: Meaning(
        "EncryptionAlgorithmMismatch",
        _C,
        "phase 1: the encryption algorithms differ",
        ("IkeConfig.IkeEncAlg",),
        "Give both sides the same IkeConfig.IkeEncAlg.",
    ),
    Cause.IKE_AUTHENTICATION: Meaning(
        "AuthenticationAlgorithmMismatch",
        _C,
        "phase 1: the authentication algorithms differ",
        ("IkeConfig.IkeAuthAlg",),
        "Give both sides the same IkeConfig.IkeAuthAlg.",
    ),
    Cause.IKE_GROUP: Meaning(
        "DhGroupMismatch",
        _C,
        "phase 1: the Diffie-Hellman groups differ",
        ("IkeConfig.IkePfs",),
        "Give both sides the same group, IkeConfig.IkePfs.",
        hint="compare IkeConfig.IkePfs on both sides",
    ),
    Cause.IKE_VERSION: Meaning(
        "IkeVersionMismatch",
        _C,
        "phase 1: the versions of IKE differ",
        ("IkeConfig.IkeVersion",),
        "Give both sides the same IkeConfig.IkeVersion.",
        hint="compare IkeConfig.IkeVersion on both sides",
    ),
    Cause.IKE_MODE: Meaning(
        "NegotiationModeMismatch",
        _C,
        "phase 1: the modes of negotiation differ",
        ("IkeConfig.IkeMode",),
        "Give both sides the same IkeConfig.IkeMode, main or aggressive.",
        hint="compare IkeConfig.IkeMode on both sides",
    ),
    Cause.KEY: Meaning(
        "PskMismatch",
        _C,
        "phase 1: authentication failed",
        ("IkeConfig.Psk", "IkeConfig.LocalId", "IkeConfig.RemoteId"),
        "Compare Psk, LocalId and RemoteId on both sides: the device has another key, or expects other identities.",
        hint="compare Psk, LocalId and RemoteId on both sides",
    ),
    Cause.REMOTE_ID: Meaning(
        "PeerIdMismatch",
        _C,
        "phase 1: the peer calls itself something else than RemoteId",
        ("IkeConfig.RemoteId",),
        "Set IkeConfig.RemoteId to what the device calls itself, or the device's own identity to IkeConfig.RemoteId. A "
        "device behind NAT calls itself by its private address.",
        hint="compare IkeConfig.RemoteId on both sides",
    ),
    Cause.LOCAL_ID: Meaning(
        "LocalIdMismatch",
        _C,
        "phase 1: the peer expects another identity of ours than LocalId",
        ("IkeConfig.LocalId",),
        "Set IkeConfig.LocalId to what the device expects of its peer, or the other way round.",
        hint="compare IkeConfig.LocalId on both sides",
    ),
    Cause.IPSEC_PROPOSAL: Meaning(
        "AlgorithmMismatch",
        _C,
        "phase 2: no proposal was chosen",
        ("IpsecConfig.IpsecEncAlg", "IpsecConfig.IpsecAuthAlg", "IpsecConfig.IpsecPfs"),
        "Compare IpsecConfig (algorithms, PFS) on both sides and give them the same.",
        hint="compare IpsecConfig (algorithms, PFS) on both sides",
        phase_2=True,
    ),
    Cause.IPSEC_ENCRYPTION: Meaning(
        "EncryptionAlgorithmMismatch",
        _C,
        "phase 2: the encryption algorithms differ",
        ("IpsecConfig.IpsecEncAlg",),
        "Give both sides the same IpsecConfig.IpsecEncAlg.",
        phase_2=True,
    ),
    Cause.IPSEC_AUTHENTICATION: Meaning(
        "AuthenticationAlgorithmMismatch",
        _C,
        "phase 2: the authentication algorithms differ",
        ("IpsecConfig.IpsecAuthAlg",),
        "Give both sides the same IpsecConfig.IpsecAuthAlg.",
        phase_2=True,
    ),
    Cause.IPSEC_GROUP: Meaning(
        "PfsMismatch",
        _C,
        "phase 2: the groups of perfect forward secrecy differ",
        ("IpsecConfig.IpsecPfs",),
        "Give both sides the same group, IpsecConfig.IpsecPfs, or switch it off on both (disabled).",
        phase_2=True,
    ),
    Cause.SUBNETS: Meaning(
        "TrafficSelectorMismatch",
        _C,
        "phase 2: the subnets (traffic selectors) were refused",
        ("LocalSubnet", "RemoteSubnet"),
        "Compare LocalSubnet and RemoteSubnet with the device's networks: what is local here is remote there, network "
        "by network, or 0.0.0.0/0 for both on both sides.",
        hint="compare LocalSubnet and RemoteSubnet on both sides",
        phase_2=True,
    ),
    Cause.LIFETIME: Meaning(
        "LifetimeMismatch",
        _W,
        "phase 2: the lifetimes differ",
        ("IpsecConfig.IpsecLifetime",),
        "Give both sides the same IpsecConfig.IpsecLifetime, or one of them ends what the other one still uses.",
    ),
    Cause.NAT: Meaning(
        "NatDetected",
        _N,
        "NAT lies in between, or the device says so to have its packets in UDP",
        ("EnableNatTraversal", "IkeConfig.RemoteId"),
        "Nothing, while it works. Else: UDP 4500 has to get through, the customer gateway's IpAddress is the one "
        "outside of the NAT, and IkeConfig.RemoteId what the device calls itself.",
    ),
    Cause.NAT_UNWANTED: Meaning(
        "NatDetected",
        _W,
        "NAT lies in between, or the device says so, and EnableNatTraversal is false",
        ("EnableNatTraversal",),
        "Set EnableNatTraversal to true, and switch NAT traversal on in the device.",
    ),
    Cause.HEALTH: Meaning(
        "HealthCheckFailed",
        _W,
        "the health check is not answered",
        ("HealthCheckConfig.Dip", "HealthCheckConfig.Sip"),
        "See whether HealthCheckConfig.Dip runs, answers ICMP echo, and sends what is for HealthCheckConfig.Sip back "
        "through the tunnel.",
    ),
    Cause.BGP: Meaning(
        "BgpNotEstablished",
        _C,
        "the BGP session is down",
        ("BgpConfig.TunnelCidr", "BgpConfig.LocalBgpIp", "BgpConfig.LocalAsn"),
        "Compare TunnelCidr, the two addresses and the AS numbers in it, and the customer gateway's AuthKey with the "
        "device's; its BGP has to speak inside the tunnel (TCP 179).",
    ),
    Cause.BGP_PEER_ASN: Meaning(
        "BgpNotEstablished",
        _C,
        "the BGP session is down: the device has another AS number than its customer gateway's Asn",
        ("CustomerGatewayId",),
        "Register the device again as a customer gateway with its Asn and use that one, or give the device this Asn.",
    ),
    Cause.BGP_LOCAL_ASN: Meaning(
        "BgpNotEstablished",
        _C,
        "the BGP session is down: the device expects another AS number than LocalAsn",
        ("BgpConfig.LocalAsn",),
        "Set BgpConfig.LocalAsn to what the device has as its neighbour's, or the other way round.",
    ),
    Cause.NEGOTIATING: Meaning(
        "Negotiating",
        _N,
        "it is being negotiated",
        (),
        "Ask again in some seconds.",
    ),
    Cause.NOT_BEGUN: Meaning(
        "NegotiationNotInitiated",
        _W,
        "it begins when there is traffic for it, or when the peer begins",
        ("EffectImmediately",),
        "Set EffectImmediately to true, or send something to a network behind the device.",
    ),
    Cause.SAME_PEER: Meaning(
        "CustomerGatewayInUse",
        _C,
        "another tunnel of the gateway leads to the same address: their packets cannot be told apart",
        ("CustomerGatewayId",),
        "Use a device with another IpAddress.",
    ),
    Cause.HOST: Meaning(
        "GatewayFault",
        _C,
        "something is wrong at the gateway's host",
        (),
        "It is tried again and again; whoever runs the service finds more with gatewright host status and in the log.",
    ),
    Cause.OWN_NETWORK: Meaning(
        "SubnetConflict",
        _C,
        "a network behind the device is within the VPC's own, so none of its packets gets through",
        ("RemoteSubnet",),
        "Give both sides a RemoteSubnet that the VPC does not have: renumber the network behind the device, or have "
        "the device translate it.",
    ),
    Cause.NO_ROUTE: Meaning(
        "RouteMissing",
        _W,
        "no route leads into the tunnel",
        ("RouteDest",),
        "LocalSubnet and RemoteSubnet are 0.0.0.0/0, so routes decide: CreateVpnRouteEntry or CreateVpnPbrRouteEntry "
        "with this connection as NextHop, or BGP.",
    ),
    Cause.NOT_PUBLISHED: Meaning(
        "RouteNotPublished",
        _W,
        "no route of the VPC leads to the gateway for the networks behind the device",
        ("PublishVpc",),
        "PublishVpnRouteEntry, or an entry of the VPC's route table that has the gateway as its next hop.",
    ),
    Cause.CLOCK: Meaning(
        "ClockSkew",
        _W,
        "the clock of the gateway's host is wrong",
        (),
        "Whoever runs the service sets that host's clock (NTP): times in logs and events are by it, and certificates "
        "expire by it.",
    ),
    Cause.AWAY: Meaning(
        "GatewayHostAway",
        _W,
        "the gateway's host has not been heard of lately; what is told here is from before",
        (),
        "Its tunnels carry on without it. Whoever runs the service looks after the host: gatewright hosts list.",
    ),
    Cause.UNSEEN: Meaning(
        "NotReported",
        _W,
        "the gateway's host has told nothing of it yet",
        (),
        "Ask again in some seconds. If it stays so, its agent may be older than the service: gatewright hosts list.",
    ),
    Cause.UPDATING: Meaning(
        "Configuring",
        _N,
        "the gateway is being configured",
        (),
        "Wait until the State of the connection is active.",
    ),
    Cause.UNATTACHED: Meaning(
        "NotAssociated",
        _W,
        "the attachment is associated with no transit router, so nobody negotiates its tunnels",
        (),
        "There are no transit routers here: make the connection at a VPN gateway.",
    ),
    Cause.DOWN: Meaning(
        "IpsecSaNotEstablished",
        _C,
        "the tunnel is down",
        (),
        "DescribeVpnConnectionLogs tells what was said while it was negotiated.",
    ),
    Cause.NONE: Meaning("NoExceptionFound", _N, "no exception was found", (), ""),
}

#: Say less than others that may be known of the same failure.
VAGUE = frozenset((Cause.IKE_PROPOSAL, Cause.KEY, Cause.IPSEC_PROPOSAL, Cause.PEER_ENDED))
#: What phase 1's words mean when it was phase 2 that they were said in, which IKEv1 does not tell apart.
IN_PHASE_2 = {
    Cause.IKE_PROPOSAL: Cause.IPSEC_PROPOSAL,
    Cause.IKE_GROUP: Cause.IPSEC_GROUP,
}


def cause_of(trouble: Trouble) -> Cause:
    """Its cause; of a host that knows more causes than this version, that it is down."""
    try:
        return Cause(trouble.cause)
    except ValueError:
        return Cause.DOWN


def sentence(trouble: Trouble) -> str:
    """What is wrong and where to look, in one line."""
    meaning = MEANINGS[cause_of(trouble)]
    return ": ".join(filter(None, (meaning.reason, specifics(trouble) or meaning.hint)))


def specifics(trouble: Trouble) -> str:
    """How the two sides differ, or what else is known of just this case; empty if nothing is."""
    if not trouble.theirs:
        return trouble.about
    named = MEANINGS[cause_of(trouble)].compared
    ours = f" here {trouble.ours}," if trouble.ours else ""
    return f"{named}{ours} at the peer {trouble.theirs}"


_CONFIGS = re.compile(r"\b(Ike|Ipsec|Bgp)Config\b")


def spelled(text: str, *, dual: bool) -> str:
    """Parameters in a text as a connection with two tunnels has them, if it is one."""
    return _CONFIGS.sub(r"Tunnel\1Config", text) if dual else text
