#!/usr/bin/env bash
# What a busy neighbour costs: tokens a second alone, and with one more process that never rests.
#
# usage: bench/busy-neighbour.sh MODEL [NANOFLOW [flags of nanoflow bench throughput]]
#   MODEL     folder or file of a model
#   NANOFLOW  default: the one that ./build.sh publish makes
#
# Runs five pairs by turns; prints the medians and their ratio.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
model=${1:?"usage: bench/busy-neighbour.sh MODEL [NANOFLOW [flags]]"}
nanoflow=${2:-$root/artifacts/publish/linux-x64/nanoflow}
shift $(($# > 1 ? 2 : 1))
[ -x "$nanoflow" ] || { echo "$nanoflow cannot be run: ./build.sh publish makes it" >&2; exit 2; }
flags=(--num-prompts 16 --input-len 256 --output-len 64 --plan sequential --json "$@")
neighbour=
log=$(mktemp)
trap '[ -z "$neighbour" ] || kill "$neighbour"; rm -f "$log"' EXIT

tokens_per_second() {
  local json speed
  json=$("$nanoflow" bench throughput "$model" "${flags[@]}" 2>"$log") || { cat "$log" >&2; exit 1; }
  speed=$(sed -n 's/^ *"total_token_throughput": *\([0-9.]*\).*/\1/p' <<<"$json")
  [ -n "$speed" ] || { echo "nanoflow bench throughput printed no total_token_throughput" >&2; exit 1; }
  echo "$speed"
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

for pair in 1 2 3 4 5; do
  quiet+=("$(tokens_per_second)")
  while :; do :; done &
  neighbour=$!
  busy+=("$(tokens_per_second)")
  kill "$neighbour"
  wait "$neighbour" 2>/dev/null || true
  neighbour=
  echo "pair $pair: ${quiet[-1]} alone, ${busy[-1]} with a busy neighbour" >&2
done
alone=$(median "${quiet[@]}") beside=$(median "${busy[@]}")
awk -v a="$alone" -v b="$beside" 'BEGIN {
  printf "%.0f tokens/s alone, %.0f with a busy neighbour: %.0f %%\n", a, b, 100 * b / a }'
