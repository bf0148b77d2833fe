#!/bin/sh
# What a customer gets: installs into a folder of its own, builds the example with pkg-config alone, in C and C++, and
# lets it read a tape.
#   check_install.sh BUILD SOURCE SLUGLINE
set -eu
build=$1 source=$2 slugline=$3
folder=$(mktemp -d)
daemon= follower=
end() {
    status=$?
    for pid in $follower $daemon; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
    exit $status
}
trap end EXIT

DESTDIR=$folder meson install -C "$build" --no-rebuild --quiet
PKG_CONFIG_PATH=$(dirname "$(find "$folder" -name libslugline.pc)")
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR="$folder"
libs=$(dirname "$(find "$folder" -name libslugline.so)")

# shellcheck disable=SC2046  # words
cc -std=c11 -Wall -Wextra -Werror -o "$folder/follow" "$source/deploy/examples/follow.c" $(pkg-config --cflags --libs libslugline)
if command -v g++ >/dev/null; then
    # shellcheck disable=SC2046
    g++ -x c++ -std=c++17 -Wall -Wextra -Werror -o "$folder/follow++" "$source/deploy/examples/follow.c" \
        $(pkg-config --cflags --libs libslugline)
else
    echo "SKIPPED: the example in C++: g++ is not installed"
fi
strange=$(nm -D --defined-only "$libs/libslugline.so" | awk '$2 == "T" && $3 !~ /^sl_/ { print $3 }')
[ -z "$strange" ] || { echo "exported, and not ours: $strange"; exit 1; }

cat >"$folder/slugline.yaml" <<END
node: test
tape: {name: t, size: 16MiB, raw: 16MiB, hold: 1MiB, socket: $folder/tape.sock}
feeds:
  - {name: wire, format: iptc7901, lines: ["tcp-listen://127.0.0.1:0"]}
END
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/127.0.0.1:0/127.0.0.1:$port/" "$folder/slugline.yaml"
"$slugline" run -c "$folder/slugline.yaml" 2>"$folder/said" &
daemon=$!
tries=0
until grep -q 'walk up' "$folder/said"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { cat "$folder/said"; exit 1; }
    sleep 0.05
done
SLUGLINE_SOCKET=$folder/tape.sock LD_LIBRARY_PATH=$libs stdbuf -oL "$folder/follow" >"$folder/out" &
follower=$!
"$slugline" gen --to "tcp://127.0.0.1:$port" --count 200 --rate 200/s >"$folder/gen" 2>&1 || { cat "$folder/gen"; exit 1; }
tries=0
until [ -s "$folder/out" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { echo "the example read nothing"; cat "$folder/said"; exit 1; }
    sleep 0.05
done
head -n 1 "$folder/out"
