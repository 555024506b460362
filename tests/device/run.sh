#!/usr/bin/env bash
# tests/device/run.sh [build] [tests] [ablate] [bench-8b] [sanitize] [all] [flags]
#
# Builds, tests and measures on a machine with a GPU: nvcc, cmake, ninja and g++, but no network and
# no .NET SDK. `all`, the default, is every part in an order that puts the most telling first. What
# was found goes to results.json and results.md in the output folder, with a log of each step.
#
#   --device cuda|cpu     cpu tries this script itself, on a tiny model (default: cuda)
#   --nanoflow PATH       a published nanoflow, or with its golden tests what ./build.sh device-kit
#                         makes: a folder or an archive; may be repeated. Without it only what is
#                         native runs. The library that is built here replaces the one inside.
#   --native DIR          a built native side (its folder "out"): nothing is built
#   --out DIR             where everything goes (default: artifacts/device/<device>)
#   --copy DIR            results and logs are copied there in the end
#   --minutes N           no step begins that would not end by then (default: 9)
#   --again               repeats steps that have passed
#
# A step that has passed is not repeated by the next call, so a limited time on a device may be
# spent in parts. The exit status is 0 when every step passed or had a reason to be skipped, 1 when
# one failed, and 3 when only time was missing: call it again.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
device=cuda native='' out='' copy='' minutes=9 again=off
programs=() parts=()

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
  echo "run.sh: $*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    build | tests | ablate | bench-8b | sanitize) parts+=("$1") ;;
    all) parts+=(build tests ablate bench-8b sanitize) ;;
    --again) again=on ;;
    --device | --nanoflow | --native | --out | --copy | --minutes)
      [ $# -gt 1 ] || usage "$1 needs a value"
      case $1 in
        --device) device=$2 ;;
        --nanoflow) programs+=("$(realpath "$2")") || usage "$2 is not there" ;;
        --native) native=$(realpath "$2") || usage "$2 is not there" ;;
        --out) out=$2 ;;
        --copy) copy=$2 ;;
        --minutes) minutes=$2 ;;
      esac
      shift
      ;;
    *) usage "$1 is not known" ;;
  esac
  shift
done
[ ${#parts[@]} -gt 0 ] || parts=(build tests ablate bench-8b sanitize)
case $device in cuda | cpu) ;; *) usage "--device is cuda or cpu" ;; esac
case $minutes in '' | *[!0-9]*) usage "--minutes is a number" ;; esac

out=${out:-$root/artifacts/device/$device}
mkdir -p "$out"/{state,logs,results} || exit 2
out=$(cd "$out" && pwd)
deadline=$((SECONDS + minutes * 60))
export NANOFLOW_CACHE=$out/cache # costs and plans of this run, and of no other

# What is measured: on the GPU the shape of Llama-3-8B, else what a small machine does in seconds.
if [ "$device" = cuda ]; then
  shape=llama-8b preset=linux-x64-cuda calibrating=60s searching=8s
  engine=(--max-num-seqs 512 --max-num-batched-tokens 2048 --max-model-len 4096)
  mixes=(--mix 1024/512/1500 --mix 2048/120/2100 --mix 544/512/1150)
  loads=("1000 1000 1024" "2048 128 1024" "128 2048 512") # input, output, prompts
  times=(build:60 native-tests:30 goldens:20 model:40 calibrate:80 search:50 ablate:50 bench:60
    sanitize:60)
else
  shape=tiny-llama preset=linux-x64 calibrating=1s searching=1s
  engine=(--max-num-seqs 8 --max-num-batched-tokens 32 --threads 2 --kv-cache-memory-bytes 16m)
  mixes=(--mix 32/4/64)
  loads=("16 16 8" "32 4 8" "4 32 8")
  times=()
fi
model=$out/model program=$out/program/nanoflow

. "$root/tests/device/steps.sh"
. "$root/tests/device/report.sh"

for part in "${parts[@]}"; do
  case $part in
    build) step build build_native ;;
    tests)
      step doctor describe_device
      step native-tests run_native_tests
      step goldens run_goldens
      ;;
    ablate)
      step model make_model
      step calibrate calibrate_model
      step search search_plans
      step ablate ablate_plans
      ;;
    bench-8b)
      step model make_model
      for load in "${loads[@]}"; do
        read -r input output prompts <<<"$load"
        step "bench-$input-$output" bench_throughput "$input" "$output" "$prompts" plan
      done
      read -r input output prompts <<<"${loads[0]}"
      step "bench-$input-$output-sequential" \
        bench_throughput "$input" "$output" "$prompts" sequential
      ;;
    sanitize)
      step memcheck sanitize memcheck
      step racecheck sanitize racecheck
      ;;
  esac
done

write_report
exit_with_status
