"""What Gatewright costs, measured beside what one would use otherwise: ``python -m bench [--quick]``.

Beside moto's server for the API, because there is no other emulator of this one; beside the same namespaces and
daemons started by hand for the linux plane, because nothing can be faster than these. Everything runs on this machine
and talks over loopback only.
"""
