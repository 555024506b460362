#!/usr/bin/env bash
# tests/cuda/check-binary.sh LIBRARY [CUOBJDUMP]
#
# Is libnanoflow_core.so one that starts on a machine without a GPU? It must not need a library of
# CUDA: the runtime is inside, all others are opened when they are wanted. With cuobjdump it must
# also hold code for each architecture that we build for, and for sm_90a the instructions that its
# GEMMs and attention are written for: wgmma (HGMMA) and tensor copies (UTMALDG).
set -euo pipefail

library=${1:?the library is missing}
cuobjdump=${2:-}
status=0

fail() {
  echo "check-binary: $library $*" >&2
  status=1
}

# What it names itself, and what those in turn would bring in.
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
loaded=$(ldd "$library" | awk '{print $1}')
for name in $needed $loaded; do
  case $(basename "$name") in
    libcuda.* | libcudart* | libcublas* | libnccl* | libnv* | libcu*rt*)
      fail "needs $name"
      ;;
  esac
done

if [ -n "$cuobjdump" ]; then
  images=$("$cuobjdump" --list-elf "$library")
  for arch in sm_80 sm_89 sm_90a; do
    grep -q "\.$arch\.cubin" <<<"$images" || fail "has no code for $arch"
  done
  code=$(mktemp)
  trap 'rm -f "$code"' EXIT
  "$cuobjdump" --dump-sass --gpu-architecture sm_90a "$library" >"$code"
  for instruction in HGMMA UTMALDG; do
    grep -q "$instruction" "$code" || fail "has no $instruction for sm_90a"
  done
fi

[ $status -ne 0 ] || echo "check-binary: $library needs no library of CUDA"
exit $status
