#!/bin/sh
# Multicast over true interfaces, on both ways of receiving: two network namespaces of our own, joined by two cables.
#
#     here                                    the agency's
#     va 10.77.0.1, fd00:77::1  ----------  vb 10.77.0.2, 10.77.0.3, fd00:77::2
#     vc 10.78.0.1              ----------  vd 10.78.0.2
#
# Our lines join 239.255.77.1 and ff15::77 on va.  Somebody else on this host has joined the same group on vc and
# another group on va, so that the kernel takes those datagrams; our lines must not hear them.
#   multicast_lines.sh PROGRAM      PROGRAM is multicast_lines
set -eu

skip() {
    echo "multicast_lines: SKIPPED: $1" >&2
    exit 77
}

if [ "${2:-}" != inside ]; then
    for tool in ip unshare nsenter; do
        command -v $tool >/dev/null || skip "$tool is not installed"
    done
    unshare -Urn true 2>/dev/null || skip "no network namespaces for this user here"
    exec unshare -Urn "$0" "$1" inside
fi

program=$1
work=$(mktemp -d)
agency= listener=
tidy() {
    [ -z "$agency" ] || kill "$agency" 2>/dev/null || true
    [ -z "$listener" ] || kill "$listener" 2>/dev/null || true
    rm -rf "$work"
}
trap tidy EXIT

# The agency's namespace lives as long as the shell in it waits for this pipe.
mkfifo "$work/hold"
# shellcheck disable=SC2016
unshare -n sh -c 'echo made >"$0/made"; read -r line <"$0/hold"' "$work" &
agency=$!
tries=0
until [ -s "$work/made" ]; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || { echo "multicast_lines: no second namespace"; exit 1; }
    sleep 0.01
done
there="nsenter -t $agency -n"

ip link add va type veth peer name vb netns "$agency" 2>/dev/null || skip "no right to make a veth pair"
ip link add vc type veth peer name vd netns "$agency"
for link in lo va vc; do ip link set $link up; done
for link in lo vb vd; do $there ip link set $link up; done
ip addr add 10.77.0.1/24 dev va
ip addr add fd00:77::1/64 dev va nodad 2>/dev/null || skip "no IPv6 in this kernel"
ip addr add 10.78.0.1/24 dev vc
$there ip addr add 10.77.0.2/24 dev vb
$there ip addr add 10.77.0.3/24 dev vb
$there ip addr add fd00:77::2/64 dev vb nodad
$there ip addr add 10.78.0.2/24 dev vd

status=0 done=0
for way in uring epoll; do
    mkfifo "$work/$way"
    "$program" hear $way >"$work/$way" &
    listener=$!
    exec 3<"$work/$way"
    if ! read -r line <&3; then
        echo "multicast_lines: $way: not on this host, not tested" >&2
        wait $listener || true
        listener=
        continue
    fi
    $there "$program" send vb 10.77.0.2 239.255.77.1 50 wanted
    $there "$program" send vb 10.77.0.3 239.255.77.1 50 wanted
    $there "$program" send vb fd00:77::2 ff15::77 50 wanted
    $there "$program" send vd 10.78.0.2 239.255.77.1 50 other-interface
    $there "$program" send vb 10.77.0.2 239.255.77.9 50 other-group
    $there "$program" send vb 10.77.0.2 239.255.77.1 1 stop
    read -r line <&3
    exec 3<&-
    wait $listener
    listener=
    want="any 100, from 10.77.0.3 50, IPv6 50, dropped 0, stopped"
    if [ "$line" = "$want" ]; then
        echo "multicast_lines: $way: $line"
    else
        echo "multicast_lines: $way: FAILED: heard '$line', expected '$want'"
        status=1
    fi
    done=$((done + 1))
done
[ $done -gt 0 ] || skip "neither way is there"
exit $status
