#!/bin/bash
# Export by hand: LAYOUT, NAMES (a ref name a line), SIGNATURES, TRUST (keyring.pgp, MAINTAINERS), WORK, OUTPUT
#
# As good as such a script gets: images are copied in parallel into one folder of blobs, each with a small layout of
# its own (skopeo's index.json is not safe against two writers), and the checksum is taken while the file is written.
set -euo pipefail
layout=$1 names=$2 signatures=$3 trust=$4 work=$5 output=$6

mkdir -p "$work/images" "$work/blobs" "$work/signatures/stagex"
cp "$trust/keyring.pgp" "$trust/MAINTAINERS" "$work/"
while read -r name; do printf '%s\n' "$signatures/stagex/$name@sha256="*; done < "$names" |
    xargs cp -r -t "$work/signatures/stagex"
awk '{ print NR, $0 }' "$names" | xargs -P "$(nproc)" -n 2 sh -c '
    exec skopeo --insecure-policy copy -q --all --preserve-digests --dest-shared-blob-dir "$1/blobs" \
        "oci:$0:$3" "oci:$1/images/$2:$3"' "$layout" "$work"
tar -C "$work" -cf - . | zstd -q -3 -T0 | tee "$output" | sha256sum | sed "s/-$/$(basename "$output")/" > "$output.sha256"
