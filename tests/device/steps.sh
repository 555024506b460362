# The steps of tests/device/run.sh. A step writes its result, one flat JSON object, to stdout and
# all else to stderr, which is its log; it returns 0, or 77 with the reason in its last line where
# it has nothing to do here.

skipped=77

skip() {
  echo "$*" >&2
  return $skipped
}

# Runs a program, and ends it when the time is over.
within() { timeout --kill-after=10 $((deadline > SECONDS ? deadline - SECONDS : 1)) "$@"; }

# Seconds that a step takes at least.
least_seconds() {
  local entry
  for entry in ${times[@]+"${times[@]}"}; do
    case $1 in "${entry%%:*}"*) echo "${entry##*:}" && return ;; esac
  done
  echo 1
}

# step NAME COMMAND...: one line on what came of it; its state is "status seconds".
step() {
  local name=$1 begin=$SECONDS status
  shift
  if [ $again = off ] && grep -qs '^passed ' "$out/state/$name"; then
    echo "$name: passed before"
    return
  fi
  if [ $((deadline - SECONDS)) -lt "$(least_seconds "$name")" ]; then
    echo "late 0" >"$out/state/$name"
    echo "$name: no time left"
    return
  fi
  prepare_program || {
    echo "run.sh: cannot unpack ${programs[*]}" >&2
    exit 2
  }
  ("$@") >"$out/results/$name.json" 2>"$out/logs/$name.log"
  status=$?
  case $status in
    0) status=passed ;;
    "$skipped") status=skipped ;;
    124 | 137) status=late ;;
    *) status=failed ;;
  esac
  [ "$status" = passed ] || rm -f "$out/results/$name.json"
  echo "$status $((SECONDS - begin))" >"$out/state/$name"
  echo "$name: $status after $((SECONDS - begin)) s"
  [ "$status" = passed ] || tail -n 3 "$out/logs/$name.log" | sed 's/^/  /'
}

native_out() { echo "${native:-$root/artifacts/native/$preset/out}"; }

build_native() {
  [ -z "$native" ] || skip "built already: $native" || return
  local targets="nanoflow;nanoflow_native_tests"
  [ $device = cpu ] || targets="$targets;nanoflow_device_tests"
  within cmake -DPRESET=$preset "-DTARGET=$targets" -P "$root/eng/native-build.cmake" >&2
}

# The program that was taken along, with the native library that was built here. A folder is made
# anew when either has changed.
prepare_program() {
  [ ${#programs[@]} -gt 0 ] || return 0
  local library path made=$out/program/.made
  library=$(native_out)/libnanoflow_core.so
  [ ! -e "$made" ] || [ "$library" -nt "$made" ] || [ "${programs[0]}" -nt "$made" ] || return 0
  rm -rf "$out/program"
  mkdir -p "$out/program"
  for path in "${programs[@]}"; do
    if [ -d "$path" ]; then
      cp -rL "$path/." "$out/program/" || return
    else
      tar -xf "$path" -C "$out/program" || return
    fi
  done
  [ ! -e "$library" ] || cp -f "$library" "$out/program/" || return
  touch "$made"
}

need_program() { [ -x "$program" ] || skip "no nanoflow was taken along: --nanoflow"; }

describe_device() {
  need_program || return
  within "$program" doctor --json || return
  [ $device = cpu ] || "$program" doctor --json | grep -q '"cuda": true' || {
    "$program" doctor >&2
    return 1
  }
}

# counts PASSED FAILED SKIPPED
counts() { printf '{ "passed": %d, "failed": %d, "skipped": %d }\n' "$1" "$2" "$3"; }

# The test programs: nanoflow_device_tests is what runs on the GPU itself. On the CPU, whose tests
# run anyway, only a few.
run_native_tests() {
  local name last passed=0 failed=0 skips=0 status=0 filter=() tests=(device native)
  [ $device = cuda ] || tests=(native) filter=(engine_test)
  for name in "${tests[@]}"; do
    echo "nanoflow_${name}_tests" >&2
    last=$(within "$(native_out)/nanoflow_${name}_tests" ${filter[@]+"${filter[@]}"} |
      tee /dev/stderr | tail -n 1) || status=1
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
      passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
      skips=$((skips + BASH_REMATCH[3]))
    else
      status=1
    fi
  done
  counts $passed $failed $skips
  [ $status = 0 ] && [ $failed = 0 ] && [ $passed -gt 0 ]
}

# Tokens and log-probabilities against transformers, as the test project has them.
run_goldens() {
  local test=$out/program/NanoFlow.Golden.Tests name last total failed skips
  need_program || return
  [ -x "$test" ] || skip "no golden tests were taken along: ./build.sh device-kit" || return
  name=$([ $device = cuda ] && echo Cuda || echo Cpu)
  last=$(NANOFLOW_TEST_ROOT=$root within "$test" -noColor -method "*.${name}_Golden*" |
    tee /dev/stderr |
    grep -E '^ *NanoFlow.Golden.Tests +Total: [0-9]+' | tail -n 1)
  [[ $last =~ Total:\ ([0-9]+).*Errors:\ ([0-9]+).*Failed:\ ([0-9]+).*Skipped:\ ([0-9]+) ]] ||
    return 1
  total=${BASH_REMATCH[1]} failed=$((BASH_REMATCH[2] + BASH_REMATCH[3])) skips=${BASH_REMATCH[4]}
  counts $((total - failed - skips)) $failed $skips
  [ $failed = 0 ] && [ $skips = 0 ] && [ "$total" -gt 0 ] # here nothing may be skipped
}

# Interrupted, a model has no config.json and is made again.
make_model() {
  need_program || return
  if [ ! -e "$model/config.json" ]; then
    rm -rf "$model"
    within "$program" model new --shape $shape "$model" --json
  fi
}

# on_model COMMAND FLAG...: words of the command up to the first flag.
on_model() {
  local words=()
  need_program || return
  [ -e "$model/config.json" ] || skip "there is no model" || return
  while [ $# -gt 0 ] && [ "${1#--}" = "$1" ]; do words+=("$1") && shift; done
  within "$program" "${words[@]}" "$model" --device $device "${engine[@]}" "$@"
}

calibrate_model() { on_model calibrate --budget $calibrating --json; }

# The plans themselves are the result.
search_plans() {
  on_model search --search-budget $searching "${mixes[@]}" --out "$out/plans.json" >&2
}

ablate_plans() {
  [ -e "$out/plans.json" ] || skip "no plans were found" || return
  on_model ablate --plan "$out/plans.json" --json
}

# bench_throughput INPUT OUTPUT PROMPTS plan|sequential
bench_throughput() {
  local plan=sequential
  if [ "$4" = plan ]; then
    [ -e "$out/plans.json" ] || skip "no plans were found: part ablate" || return
    plan=$out/plans.json
  fi
  on_model bench throughput --input-len "$1" --output-len "$2" --num-prompts "$3" \
    --plan "$plan" --json
}

# sanitize TOOL: the tests of the device under compute-sanitizer.
sanitize() {
  [ $device = cuda ] || skip "needs a GPU" || return
  command -v compute-sanitizer >/dev/null || skip "no compute-sanitizer on the path" || return
  within compute-sanitizer --tool "$1" --error-exitcode 1 \
    "$(native_out)/nanoflow_device_tests" >&2
}
