#!/usr/bin/env bash
# cmake/cuda-prefix.sh [FOLDER]
#
# Makes a CUDA 12.4 compiler in FOLDER (default: nanoflow-cuda-12.4 in the user's cache) from
# Debian's packages and prints the folder. Nothing is installed, no driver is needed, and a folder
# that is up to date is left alone:
#
#   CUDACXX="$(cmake/cuda-prefix.sh)/bin/nvcc" cmake --preset linux-x64-cuda
#
# Debian scatters the toolkit over /usr and puts a shell script with absolute paths in the place of
# nvcc; here everything lies as NVIDIA has it, so that nvcc and CMake find it by themselves.
# Only what compiling and linking statically takes is kept: the libraries of a GPU machine are
# opened at run time and must not be needed to link.
#
# The packages are those of trixie, the newest suite with the toolkit; its programs run on older
# systems too. They come, signed, from the mirror that apt uses on this machine, or from
# DEBIAN_MIRROR. Needs apt-get, dpkg, tar, objdump, 2 GB for a minute and 200 MB in the end.
set -euo pipefail

suite=trixie
prefix=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/nanoflow-cuda-12.4}
recipe=1 # goes up when this script makes something else of the same packages
stamp="$suite $recipe"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(nvidia-cuda-toolkit nvidia-cuda-dev libcudart12 libcu++-dev libnccl-dev
  libnvtoolsext1)

say() { printf 'cuda-prefix: %s\n' "$*" >&2; }

is_current() {
  [ "$(cat "$prefix/.stamp" 2>/dev/null)" = "$stamp" ] && "$prefix/bin/nvcc" --version >/dev/null
}

finish() {
  is_current || return 1
  echo "$prefix"
  exit 0
}

# The mirror of this machine's own release.
mirror() {
  local codename
  codename=$(. /usr/lib/os-release && echo "$VERSION_CODENAME")
  apt-get --print-uris update 2>/dev/null |
    sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | head -1
}

# apt with lists, sources and caches of its own: those of the system are not touched.
own_apt() {
  apt-get -qq -oAPT::Architecture=amd64 -oAPT::Architectures=amd64 -oAPT::Sandbox::User=root \
    -oDir::Etc::sourcelist="$work/sources.list" -oDir::Etc::sourceparts=/dev/null \
    -oDir::Etc::preferencesparts=/dev/null -oDir::State::lists="$work/lists" \
    -oDir::State::status=/dev/null -oDir::Cache="$work/cache" -oAcquire::Languages=none \
    -oAcquire::Retries=3 -oAcquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

download() {
  local from=${DEBIAN_MIRROR:-$(mirror)}
  if [ -z "$from" ]; then
    say "apt names no mirror on this machine; set DEBIAN_MIRROR"
    return 1
  fi
  mkdir -p "$work"/{lists/partial,cache/archives/partial,packages}
  echo "deb [arch=amd64 signed-by=$keyring] $from $suite main contrib non-free" \
    >"$work/sources.list"
  say "downloading ${packages[*]} of $suite"
  own_apt update && (cd "$work/packages" && own_apt download "${packages[@]}") || {
    say "the archive cannot be reached or lacks the packages: $from $suite"
    return 1
  }
}

# unpack PACKAGE PATTERN...: the static libraries alone are 2 GB, so only what is named.
unpack() {
  local package=$1
  shift
  dpkg --fsys-tarfile "$work"/packages/"$package"_*.deb |
    tar -x -C "$work/unpacked" --wildcards "$@"
}

unpack_all() {
  local lib=./usr/lib/x86_64-linux-gnu
  mkdir "$work/unpacked"
  say "unpacking"
  unpack nvidia-cuda-dev './usr/include/*' "$lib/libcudart_static.a" "$lib/libcudadevrt.a" \
    "$lib/libculibos.a"
  unpack nvidia-cuda-toolkit './usr/bin/*' './usr/lib/nvidia-cuda-toolkit/*' './usr/include/*'
  unpack libcudart12 "$lib/*"
  unpack libnvtoolsext1 "$lib/*"
  unpack libcu++-dev './usr/include/*'
  unpack libnccl-dev './usr/include/*'
}

# To NVIDIA's layout: bin, nvvm/bin, nvvm/libdevice, include, lib64.
arrange() {
  local from=$work/unpacked/usr to=$work/prefix tools name
  tools=$from/lib/nvidia-cuda-toolkit
  mkdir -p "$to"/{bin,nvvm/bin,lib64}
  mv "$from"/bin/* "$to/bin/"
  rm -f "$to/bin/nvcc" "$to/bin/compute-sanitizer" # scripts and links with absolute paths
  mv "$tools/bin/nvcc" "$tools/bin/crt" "$to/bin/"
  mv "$tools/bin/cicc" "$to/nvvm/bin/"
  mv "$tools/libdevice" "$to/nvvm/libdevice"
  mv "$from/include" "$to/include"
  mv "$from"/lib/x86_64-linux-gnu/lib* "$to/lib64/"
  cat >"$to/bin/nvcc.profile" <<'PROFILE'
TOP = $(_HERE_)/..
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
PATH += $(TOP)/nvvm/bin:$(_HERE_):
INCLUDES += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/lib64"
PROFILE
  # CMake's FindCUDAToolkit wants to see these two; nothing of ours is linked with them.
  for name in libcudart.so libnvToolsExt.so; do
    ln -s "$(cd "$to/lib64" && ls -1 "$name".*.* | tail -1)" "$to/lib64/$name"
  done
}

finish || true
mkdir -p "$(dirname "$prefix")"
exec 9>"$prefix.lock"
flock 9 # two builds may want it at the same time
finish || true

work=$(mktemp -d "$prefix.XXXXXX")
trap 'rm -rf "$work"' EXIT
download
unpack_all
arrange
echo "$stamp" >"$work/prefix/.stamp"
rm -rf "$prefix"
mv "$work/prefix" "$prefix"
finish || say "$prefix/bin/nvcc does not run here"
exit 1
