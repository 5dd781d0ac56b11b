"""What IKE and ESP may negotiate, in the API's words. Pure.

The documented words are those of the API's pages, ``group24`` of the older ones included. The modern ones are ours: an
extension for peers that can do better than what the documents offer.
"""

from __future__ import annotations

IKE_VERSIONS = ("ikev1", "ikev2")
IKE_MODES = ("main", "aggressive")

#: Keys of 128 (``aes``), 192 and 256 bits in CBC mode, and what came before AES.
DOCUMENTED_ENCRYPTION = ("aes", "aes192", "aes256", "des", "3des")
#: An extension: AES-GCM with an ICV of 16 bytes, which authenticates by itself. Needs IKEv2 in phase 1.
MODERN_ENCRYPTION = ("aes128gcm16", "aes192gcm16", "aes256gcm16")
ENCRYPTION = DOCUMENTED_ENCRYPTION + MODERN_ENCRYPTION

AUTHENTICATION = ("md5", "sha1", "sha256", "sha384", "sha512")

DOCUMENTED_GROUPS = ("group1", "group2", "group5", "group14", "group24")
#: An extension: the elliptic curves P-256, P-384, P-521 and Curve25519.
MODERN_GROUPS = ("group19", "group20", "group21", "group31")
GROUPS = DOCUMENTED_GROUPS + MODERN_GROUPS
#: No perfect forward secrecy in phase 2.
NO_PFS = "disabled"
PFS_GROUPS = (NO_PFS, *GROUPS)

#: Broken, or about to be: accepted as documented, marked in logs, and refused where an installation says so.
WEAK = frozenset(("des", "3des", "md5", "sha1", "group1", "group2", "group5", "group24"))

#: Seconds; 0 for never.
LONGEST_LIFETIME = 86_400
