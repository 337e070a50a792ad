#!/bin/bash
# Import by hand: BUNDLE (of export_by_hand.sh), TRUST (keyring.pgp, people.tsv), WORK, STORE
#
# As good as such a script gets, and with the checks it can make: checksum beside unpacking, signatures and images in
# parallel, one jq and one awk for all claims, two different people for each image, manifest digests, all or nothing.
set -euo pipefail
bundle=$1 trust=$2 work=$3 store=$4 threshold=2

mkdir -p "$work" "$store/blobs" "$work/loaded"
(cd "$(dirname "$bundle")" && exec sha256sum --quiet -c "$bundle.sha256") &
checksum=$!
zstd -q -dc "$bundle" | tar -C "$work" -x
wait "$checksum"
cd "$work"

find signatures -type f -name 'signature-*' -print0 | xargs -0 -P "$(nproc)" -n 1 sh -c '
    gpgv -q --keyring "$0/keyring.pgp" --status-fd 1 --output "$1.claim" "$1" > "$1.status" 2> /dev/null' "$trust"

# file, digest, reference of every claim; file and primary fingerprint of every good signature
find signatures -name '*.claim' -print0 | xargs -0 jq -r '[(input_filename | rtrimstr(".claim")),
    .critical.type, .critical.image."docker-manifest-digest", .critical.identity."docker-reference"] | @tsv' > claims
find signatures -name '*.status' -print0 | xargs -0 awk '
    $2 == "GOODSIG" { good[FILENAME] = 1 } $2 == "VALIDSIG" { print FILENAME "\t" $NF }' | sed 's/\.status\t/\t/' > signers
awk -F '\t' -v threshold="$threshold" '
    FILENAME == ARGV[1] { nick[$1] = $2; next }
    FILENAME == ARGV[2] { if ($2 in nick) who[$1] = nick[$2]; next }
    {
        folder = $1; sub(/\/[^\/]*$/, "", folder); sub(/^signatures\//, "", folder)
        name = folder; sub(/@.*/, "", name)
        digest = folder; sub(/.*@sha256=/, "sha256:", digest)
        if (($1 in who) && $2 == "atomic container signature" && $3 == digest && $4 == "docker.io/" name &&
            !seen[folder, who[$1]]++ && ++count[folder] == threshold) print digest
    }' "$trust/people.tsv" signers claims | sort > approved

jq -r '.manifests[0].digest' images/*/index.json | sort > carried
cmp -s approved carried || { echo "not every image is signed by $threshold people" >&2; exit 1; }
sed 's|^sha256:\(.*\)$|\1  blobs/sha256/\1|' carried | sha256sum --quiet -c

for index in images/*/index.json; do dirname "$index"; done | xargs -P "$(nproc)" -n 1 sh -c '
    name=$(basename "$1")
    exec skopeo --insecure-policy copy -q --all --preserve-digests --src-shared-blob-dir blobs \
        --dest-shared-blob-dir "$0/blobs" "oci:$1" "oci:loaded/$name"' "$store"
jq -s '{schemaVersion: 2, manifests: map(.manifests[])}' loaded/*/index.json > "$store/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' > "$store/oci-layout"
