#!/usr/bin/env bash
# Compares NanoFlow with llama.cpp's llama-server on this machine and prints a table in Markdown.
#
# usage: bench/compare-llama-cpp.sh --model DIR --gguf FILE [flags]
#   --model DIR             folder of the model that nanoflow serves
#   --gguf FILE             the same model in bf16, for llama-server
#   --gguf-q8 FILE          in Q8_0, for the rows of int8
#   --gguf-q4 FILE          in Q4_0, for int8-16-q4
#   --llama-server COMMAND  llama-server, or words that run it (chroot DIR llama-server)
#   --nanoflow PATH         nanoflow; default: the one that ./build.sh publish makes
#   --pairs N               runs of each server a row, by turns; default 5
#   --threads N             threads of both servers; default: all cores
#   --port N                first of the two ports that are used; default 9100
#   --rows LIST             rows with commas between them; default: all whose files were named
#       bf16-16, bf16-64         16 and 64 clients, 256 tokens in and 64 out: total tokens/s
#       bf16-1                   1 client: times of a token and to the first token
#       int8-16-q8, int8-16-q4   nanoflow --quantization int8, 16 clients, against Q8_0 and Q4_0
#       int8-1                   the same against Q8_0, 1 client
#       start                    how long both take until they answer, and nanoflow's memory then
#
# Both servers of a row are started, and loaded one at a time; which is loaded first changes from
# pair to pair. Cells are medians (least..most) of the runs; the ratio is taken pair by pair, NanoFlow's
# figure over llama.cpp's. Needs Linux and bash 5; the client is nanoflow.
set -uo pipefail
export LC_ALL=C              # decimal points, and the order of numbers

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
nanoflow=$root/artifacts/publish/linux-x64/nanoflow
model='' bf16='' q8='' q4='' pairs=5 threads=$(nproc) rows=''
llama=(llama-server)
port=9100
patience=300                # seconds until a server must be ready
context=512                 # tokens of a llama.cpp slot: 256 in and 64 out have room
logs=
running=()                  # process ids of servers

usage() {
  echo "compare-llama-cpp.sh: $*" >&2
  sed -n 's/^# \{0,1\}//; 4,19p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

fail() {
  echo "compare-llama-cpp.sh: $*; logs are in $logs" >&2
  exit 1
}

stop_servers() {
  [ ${#running[@]} -eq 0 ] || { kill "${running[@]}" && wait "${running[@]}"; } 2>/dev/null
  running=()
}
trap stop_servers EXIT

while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage "$1 needs a value"
  case $1 in
    --model) model=$2 ;;
    --gguf) bf16=$2 ;;
    --gguf-q8) q8=$2 ;;
    --gguf-q4) q4=$2 ;;
    --llama-server) if [ -x "$2" ]; then llama=("$2"); else read -ra llama <<<"$2"; fi ;;
    --nanoflow) nanoflow=$2 ;;
    --pairs) pairs=$2 ;;
    --threads) threads=$2 ;;
    --port) port=$2 ;;
    --rows) rows=${2//,/ } ;;
    *) usage "no flag $1" ;;
  esac
  shift 2
done
[ -n "$model" ] || usage "--model is missing"
[ -x "$nanoflow" ] || usage "--nanoflow: $nanoflow cannot be run"
[[ $pairs =~ ^[1-9][0-9]*$ ]] || usage "--pairs: '$pairs' is no count"
[[ $threads =~ ^[1-9][0-9]*$ ]] || usage "--threads: '$threads' is no count"
[[ $port =~ ^[1-9][0-9]{0,4}$ ]] || usage "--port: '$port' is no port"
ours=$port theirs=$((port + 1))
[ -n "$rows" ] || rows="${bf16:+bf16-16 bf16-64 bf16-1 start}${q8:+ int8-16-q8 int8-1}${q4:+ int8-16-q4}"
[ -n "$rows" ] || usage "--gguf is missing"
logs=$(mktemp -d)
for row in $rows; do
  case $row in
    bf16-16 | bf16-64 | bf16-1 | start) [ -n "$bf16" ] || usage "row $row needs --gguf" ;;
    int8-16-q8 | int8-1) [ -n "$q8" ] || usage "row $row needs --gguf-q8" ;;
    int8-16-q4) [ -n "$q4" ] || usage "row $row needs --gguf-q4" ;;
    *) usage "no row $row" ;;
  esac
done

# Status of GET /health on a port: 200 when the server is ready.
health() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return
  printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
  read -r -t 5 line <&3
  exec 3>&-
  [[ $line == *' 200 '* ]]
} 2>/dev/null

# start PORT NAME COMMAND...: returns when it is ready; took is how long that was, in ms.
start() {
  local port=$1 name=$2 begin=${EPOCHREALTIME/./} pid
  shift 2
  ! health "$port" || fail "something else answers on port $port"
  "$@" >"$logs/$name.log" 2>&1 &
  pid=$!
  running+=("$pid")
  until health "$port"; do
    kill -0 "$pid" 2>/dev/null || fail "$name ended: $(tail -n 1 "$logs/$name.log")"
    [ $(((${EPOCHREALTIME/./} - begin) / 1000000)) -lt $patience ] || fail "$name is not ready"
    sleep 0.02
  done
  took=$(((${EPOCHREALTIME/./} - begin) / 1000))
}

# start_both SLOTS GGUF [FLAG...]: flags are nanoflow's.
start_both() {
  local slots=$1 gguf=$2
  shift 2
  start $ours nanoflow "$nanoflow" serve "$model" --host 127.0.0.1 --port $ours \
    --threads "$threads" "$@"
  memory=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${running[-1]}/status")
  took_ours=$took
  start $theirs llama-server "${llama[@]}" -m "$gguf" --host 127.0.0.1 --port $theirs \
    -t "$threads" -tb "$threads" -np "$slots" -c $((slots * context)) -cb
}

# load CLIENTS REQUESTS: prints the table of all figures. cache_prompt is off, because prompts share
# nothing and llama-server would otherwise keep and compare them.
load() {
  "$nanoflow" bench serve http://127.0.0.1:$ours --compare-with http://127.0.0.1:$theirs \
    --pairs "$pairs" --max-concurrency "$1" --num-warmups "$1" --num-prompts "$2" \
    --random-input-len 256 --random-output-len 64 --extra-body '{"cache_prompt":false}' \
    2>>"$logs/client.log" || fail "row $row: $(tail -n 1 "$logs/client.log")"
}

# show LABEL FIGURE: a row of the table that load has printed.
show() {
  local line
  line=$(grep "^| $2 " <<<"$figures") || fail "row $row: there is no $2"
  echo "| $1 |${line#*|*|}"
}

# spread NUMBER...: median (least..most)
spread() {
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo "${sorted[$# / 2]} (${sorted[0]}..${sorted[-1]})"
}

measure_start() {
  local pair memories=() times_ours=() times_theirs=()
  for ((pair = 0; pair < pairs; pair++)); do
    start_both 16 "$bf16"
    memories+=($((memory / 1024))) times_ours+=("$took_ours") times_theirs+=("$took")
    stop_servers
  done
  echo "| bf16: ms from start to ready | $(spread "${times_ours[@]}") |" \
    "$(spread "${times_theirs[@]}") | |"
  echo "| bf16: MiB of memory when ready (VmHWM) | $(spread "${memories[@]}") | | |"
}

# measure CLIENTS LABEL GGUF [FLAG...]
measure() {
  local clients=$1 label=$2 figures
  shift 2
  start_both "$clients" "$@"
  if [ "$clients" -eq 1 ]; then
    figures=$(load 1 8) || exit
    show "$label, 1 client: ms a token" median_tpot_ms
    show "$label, 1 client: ms to the first token" median_ttft_ms
  else
    figures=$(load "$clients" $((2 * clients))) || exit
    show "$label, $clients clients: tokens/s" total_token_throughput
  fi
  stop_servers
}

echo "| 256 tokens in, 64 out | NanoFlow | llama.cpp | ratio |"
echo "|---|---|---|---|"
for row in $rows; do
  case $row in
    bf16-16) measure 16 bf16 "$bf16" ;;
    bf16-64) measure 64 bf16 "$bf16" ;;
    start) measure_start ;;
    bf16-1) measure 1 bf16 "$bf16" ;;
    int8-16-q8) measure 16 "int8 / Q8_0" "$q8" --quantization int8 ;;
    int8-16-q4) measure 16 "int8 / Q4_0" "$q4" --quantization int8 ;;
    int8-1) measure 1 "int8 / Q8_0" "$q8" --quantization int8 ;;
  esac
done
rm -rf "$logs"
