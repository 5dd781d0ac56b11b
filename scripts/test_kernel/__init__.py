"""``make test-kernel``: tests of the kernel's own ESP, on Debian's kernel in a machine that QEMU emulates.

The machine sees the host's files read-only, with a layer in memory on top, so tests run there from this checkout and
its virtual environment; nothing that they write reaches the host. It needs no KVM; the host's kernel stays as it is.
"""
