#!/usr/bin/env bash
# Build the image by buildah, as root and without any registry, into the OCI archive build/weighbridge.tar.
#
# The base is made of Debian's packages, once, and kept in the user's cache; BASE_IMAGE names another one.
set -euo pipefail
cd "$(dirname "$0")/../.."

suite=bookworm
version=$(sed -n 's/^VERSION = "\(.*\)"$/\1/p' registry/version.py)
name=localhost/weighbridge:$version
cache=${XDG_CACHE_HOME:-$HOME/.cache}/weighbridge/image
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

buildah() {
  command buildah --root "$cache/storage" --runroot "$cache/run" "$@"
}

for program in buildah debootstrap; do
  if ! command -v "$program" >/dev/null; then
    echo "make image: needs $program (apt-get install buildah debootstrap); docker builds deploy/Dockerfile, too" >&2
    exit 1
  fi
done
if [ "$(id -u)" != 0 ]; then
  echo "make image: needs root, for debootstrap's chroot; docker builds deploy/Dockerfile, too" >&2
  exit 1
fi

# Of builds at the same time one goes on and the others wait.
mkdir -p "$cache" build
exec 9>"$cache/lock"
flock 9

base=${BASE_IMAGE:-localhost/weighbridge-base:$suite}
if [ -z "${BASE_IMAGE:-}" ] && ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  echo "make image: a base of Debian's packages, once: about a minute" >&2
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$suite" "$scratch/base" >"$scratch/log" \
    || { tail -20 "$scratch/log" >&2; exit 1; }
  rm -rf "$scratch"/base/var/cache/apt/archives/*.deb
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$scratch/base" / >/dev/null
  buildah commit --quiet "$container" "$base" >/dev/null
  buildah rm "$container" >/dev/null
fi

# pip in the build asks the package index that pip here asks, and trusts whom it trusts; neither reaches the image.
{
  echo "[global]"
  echo "cert = /etc/pip-cas.pem"
  index=${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || true)}
  if [ -n "$index" ]; then echo "index-url = $index"; fi
} >"$scratch/pip.conf"
cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$scratch/cas.pem"

source=$(git config --get remote.origin.url | sed 's#//[^/@]*@#//#' || true)
case $source in https://*) ;; *) source="" ;; esac
revision=$(git rev-parse HEAD 2>/dev/null || true)
if [ -n "$revision" ] && [ -n "$(git status --porcelain)" ]; then
  revision=$revision-dirty
fi

buildah build --quiet --isolation chroot --layers=false \
  --file deploy/Dockerfile --ignorefile deploy/Dockerfile.dockerignore \
  --volume "$scratch/pip.conf:/etc/pip.conf:ro" --volume "$scratch/cas.pem:/etc/pip-cas.pem:ro" \
  --build-arg BASE_IMAGE="$base" \
  --build-arg VERSION="$version" --build-arg REVISION="$revision" --build-arg SOURCE="$source" \
  --tag "$name" . >/dev/null
buildah push --quiet "$name" "oci-archive:$scratch/weighbridge.tar:$name"
mv "$scratch/weighbridge.tar" build/
buildah rmi --prune >/dev/null
echo "$name: $(($(stat --format=%s build/weighbridge.tar) / 1048576)) MiB, in build/weighbridge.tar"
