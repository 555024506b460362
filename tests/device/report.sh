# What tests/device/run.sh has found, as results.json and results.md; from the states and results of
# all calls, so that parts that were run on different days are in one table.

# In the order of a whole run; a bench has several.
steps_run() {
  local name
  for name in build doctor native-tests goldens model calibrate search ablate; do
    [ ! -e "$out/state/$name" ] || echo "$name"
  done
  (cd "$out/state" && ls -1 | grep '^bench-' | sort)
  for name in memcheck racecheck; do
    [ ! -e "$out/state/$name" ] || echo "$name"
  done
}

# The lines of a flat JSON object as "key<tab>value".
pairs() { sed -n 's/^ *"\([^"]*\)": *"\{0,1\}\([^"]*\)"\{0,1\},\{0,1\}$/\1\t\2/p' "$1"; }

has_result() { [ -s "$out/results/$1.json" ]; }

write_json() {
  local name status seconds separator=''
  echo '{'
  printf '  "device": "%s",\n  "steps": {' $device
  while read -r name; do
    read -r status seconds <"$out/state/$name"
    printf '%s\n    "%s": { "status": "%s", "seconds": %d, "result": ' \
      "$separator" "$name" "$status" "$seconds"
    if has_result "$name"; then cat "$out/results/$name.json"; else printf 'null'; fi
    printf ' }'
    separator=,
  done < <(steps_run)
  printf '\n  }\n}\n'
}

write_table() {
  local name status seconds
  printf '# What was found with --device %s\n\n| step | status | seconds |\n|---|---|---|\n' $device
  while read -r name; do
    read -r status seconds <"$out/state/$name"
    echo "| $name | $status | $seconds |"
  done < <(steps_run)
  while read -r name; do
    has_result "$name" || continue
    printf '\n## %s\n\n| | |\n|---|---|\n' "$name"
    tr -d '\r' <"$out/results/$name.json" | tr '{}' '\n\n' | tr ',' '\n' >"$out/results/.lines"
    pairs "$out/results/.lines" | awk -F'\t' '
      $2 ~ /^-?[0-9]+\.[0-9]+/ { $2 = sprintf("%.5g", $2) }
      { printf "| %s | %s |\n", $1, $2 }'
  done < <(steps_run)
  rm -f "$out/results/.lines"
}

write_report() {
  write_json >"$out/results.json"
  write_table >"$out/results.md"
  echo "written to $out/results.json and results.md"
  [ -z "$copy" ] || {
    mkdir -p "$copy" &&
      cp -r "$out/results.json" "$out/results.md" "$out/logs" "$copy/" &&
      { [ ! -e "$out/plans.json" ] || cp "$out/plans.json" "$copy/"; } &&
      { [ ! -d "$out/cache" ] || cp -r "$out/cache" "$copy/"; }
  }
}

exit_with_status() {
  grep -qs '^failed ' "$out"/state/* && exit 1
  grep -qs '^late ' "$out"/state/* && exit 3
  exit 0
}
