#!/bin/sh
# What a customer gets: installs into a folder of its own, builds the examples in C and C++ with pkg-config alone,
# installs the Python package with pip, and lets each example read a tape through a filter.
#   check_install.sh BUILD SOURCE SLUGLINE
set -eu
build=$1 source=$2 slugline=$3
folder=$(mktemp -d)
daemon= followers=
end() {
    status=$?
    for pid in $followers $daemon; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
    exit $status
}
trap end EXIT

DESTDIR=$folder meson install -C "$build" --no-rebuild --quiet
PKG_CONFIG_PATH=$(dirname "$(find "$folder" -name libslugline.pc)")
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR="$folder"
libs=$(dirname "$(find "$folder" -name libslugline.so)")

for example in "$source"/deploy/examples/follow.*; do
    [ "$(wc -l <"$example")" -lt 20 ] || { echo "$example is not under twenty lines"; exit 1; }
done
languages=c
# shellcheck disable=SC2046  # words
cc -std=c11 -Wall -Wextra -Werror -o "$folder/follow.c.out" "$source/deploy/examples/follow.c" \
    $(pkg-config --cflags --libs libslugline)
if command -v g++ >/dev/null; then
    # shellcheck disable=SC2046
    g++ -std=c++17 -Wall -Wextra -Werror -o "$folder/follow.cc.out" "$source/deploy/examples/follow.cc" \
        $(pkg-config --cflags --libs libslugline)
    languages="$languages cc"
else
    echo "SKIPPED: the example in C++: g++ is not installed"
fi
python=$(dirname "$(find "$folder" -path '*/slugline/python/pyproject.toml')")
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    # pip builds where the source lies, which is root's once installed: so a copy.
    if python3 -c 'import setuptools, wheel, pip' 2>/dev/null; then
        cp -r "$python" "$folder/copy"
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-build-isolation \
            --no-index --target "$folder/site" "$folder/copy"
        [ -f "$folder/site/slugline/py.typed" ] || { echo "pip has left out py.typed"; exit 1; }
        python=$folder/site
    else
        echo "SKIPPED: pip install: pip, setuptools or wheel is not installed; PYTHONPATH instead"
    fi
    # The library as the package finds it without being told: by its soname.
    printf '#!/bin/sh\nPYTHONPATH=%s exec python3 %s/deploy/examples/follow.py "$1"\n' "$python" "$source" >"$folder/follow.py.out"
    chmod +x "$folder/follow.py.out"
    languages="$languages py"
else
    echo "SKIPPED: the example in Python: no python3 of 3.11 or later"
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
for language in $languages; do
    SLUGLINE_SOCKET=$folder/tape.sock LD_LIBRARY_PATH=$libs "$folder/follow.$language.out" 'seq >= 20 and feed == "wire"' \
        >"$folder/out.$language" &
    followers="$followers $!"
done
# Each follows from now, whenever that is: messages come until each has had some.
all_read() {
    for language in $languages; do
        [ -s "$folder/out.$language" ] || return 1
    done
}
"$slugline" gen --to "tcp://127.0.0.1:$port" --count 2000 --rate 200/s >"$folder/gen" 2>&1 &
followers="$followers $!"
tries=0
until all_read; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { wc -l "$folder"/out.*; cat "$folder/said" "$folder/gen"; exit 1; }
    sleep 0.05
done
for language in $languages; do
    line=$(head -n 1 "$folder/out.$language")
    echo "$language: $line"
    echo "$line" | grep -Eq '^[0-9]+ wire .' || { echo "that is not seq, feed, headline"; exit 1; }
    [ "${line%% *}" -ge 20 ] || { echo "the filter does not let that through"; exit 1; }
done
