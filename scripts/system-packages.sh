#!/bin/sh
# Install what the linux plane and the tests need from Debian, without starting any service.
# Without root or off Debian this only says, in one line, what is missing.
# With --vm it is about what `make test-kernel` needs besides.
# It runs itself as a step of the set-up, with --install and the packages.
set -eu
if [ "${1-}" != --install ]; then
needed="
/usr/sbin/charon-systemd=charon-systemd
/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so=libcharon-extra-plugins
/usr/lib/ipsec/plugins/libstrongswan-gcm.so=libstrongswan-standard-plugins
/usr/sbin/bird=bird2
/usr/sbin/ip=iproute2
/usr/bin/ping=iputils-ping
/usr/sbin/nft=nftables
/usr/bin/iperf3=iperf3
/usr/bin/tmux=tmux
/usr/lib/postgresql=postgresql
"
without="only the simulated plane runs"
if [ "${1-}" = --vm ]; then
    needed="
/usr/bin/qemu-system-x86_64=qemu-system-x86
/bin/busybox=busybox-static
/sbin/modprobe=kmod
"
    without="make test-kernel does not run"
fi
    venv_missing=
    python3 -c "import ensurepip" 2>/dev/null || venv_missing=" python3-venv"
    missing=$venv_missing
    for pair in $needed; do
        [ -e "${pair%%=*}" ] || missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || exit 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Not installed here, and $without without:$missing (as root: apt-get install$missing)" >&2
        exit 0
    fi
    # shellcheck disable=SC2086 # a list of words
    exec sh "$(dirname "$0")/step.sh" "Installing$missing from Debian" sh "$0" --install $missing
fi
shift
# Debian starts a package's services unless this file says no; it is put back as it was.
policy=/usr/sbin/policy-rc.d
made=
leave() {
    [ -z "$made" ] || rm -f "$policy"
    # BIRDs are started by Gatewright, each for itself: the one that Debian would start with the machine is in nobody's service
    case " $* " in
    *" bird2 "*) [ ! -e /etc/init.d/bird ] || update-rc.d bird disable >/dev/null ;;
    esac
}
# dash leaves by a signal without its EXIT trap: by way of exit it does not
trap 'leave "$@"' EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
    made=1
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends install "$@" >/dev/null
