"""`make demo`: two sites, a gateway between them, real IPsec on both ends, and a failure of each kind under load.

``story`` is what happens, ``cloud`` what is ordered of the API with the Alibaba Cloud SDK, ``office`` the customer's
site in network namespaces, ``picture`` what is seen meanwhile and ``plot`` what is left of it.
"""
