#!/bin/sh
# Multicast between two hosts: network namespaces of this test's own, joined by a veth.  The daemon hears the group
# that its feed joined, every datagram of it, and nothing of a group on the same port that somebody else on its host
# joined.
#   netns_multicast.sh SLUGLINE
set -eu
slugline=$1

if [ "${2:-}" != inside ]; then
    command -v ip >/dev/null || { echo "SKIPPED: iproute2 is not installed"; exit 77; }
    unshare -Urnm true 2>/dev/null || { echo "SKIPPED: no network namespaces for this user here"; exit 77; }
    exec unshare -Urnm "$0" "$slugline" inside
fi

folder=$(mktemp -d)
daemon= agency= other=
end() {
    status=$?
    for pid in $daemon $agency $other; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
    exit $status
}
trap end EXIT

wait_for() { # what, command ...
    what=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || { echo "did not happen: $what"; cat "$folder/said"; exit 1; }
        sleep 0.05
    done
}

# The agency's host: a namespace that lives as long as this sleep.
unshare -n sleep 120 &
agency=$!
wait_for "the agency's namespace" sh -c "[ \"\$(readlink /proc/$agency/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
ip link add desk type veth peer name wire netns "$agency"
ip link set lo up
ip addr add 10.77.0.1/24 dev desk
ip link set desk up
at_agency() { nsenter -t "$agency" -n "$@"; }
at_agency ip addr add 10.77.0.2/24 dev wire
at_agency ip link set wire up

cat >"$folder/slugline.yaml" <<END
node: test
tape: {name: t, size: 16MiB, raw: 16MiB, hold: 1MiB, socket: $folder/tape.sock}
feeds:
  - {name: ours, format: iptc7901, lines: ["udp://239.77.0.1:5001?interface=desk"]}
END
"$slugline" run -c "$folder/slugline.yaml" 2>"$folder/said" &
daemon=$!
wait_for "the walk is up" grep -q 'walk up' "$folder/said"
: >"$folder/other"
# Somebody else on this host joins another group on the same port: its datagrams now reach the host too.
python3 -c "
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.77.0.2') + socket.inet_aton('10.77.0.1'))
print('joined', flush=True)
time.sleep(120)" >"$folder/other" &
other=$!
wait_for "the other group is joined" grep -q joined "$folder/other"

count() {
    "$slugline" status --json -s "$folder/tape.sock" |
        python3 -c "import json, sys; f = json.load(sys.stdin)['feeds'][0]; print(f['datagrams'], f['published'])"
}
at_agency "$slugline" gen --to 'udp://239.77.0.2:5001?interface=wire' --count 100 --rate 5000/s --size 512B..4KiB >/dev/null
at_agency "$slugline" gen --to 'udp://239.77.0.1:5001?interface=wire' --count 1000 --rate 5000/s --size 512B..4KiB --seed 2 >/dev/null
all_there() { [ "$(count)" = "1000 1000" ]; }
wait_for "a thousand received, and not one more: $(count)" all_there
at_agency "$slugline" gen --to 'udp://239.77.0.1:5001?interface=wire' --count 1 --rate 1/s --seed 3 >/dev/null
one_more() { [ "$(count)" = "1001 1001" ]; }
wait_for "one more: $(count)" one_more
echo "1001 datagrams of our group, none of the 100 of the other"
