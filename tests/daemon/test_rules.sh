#!/usr/bin/env bash
# test_rules.sh - the rules are valid and pass their unit tests; every metric that rules and dashboard name exists, and every label too.
# Writes into a temporary folder. Needs top_srcdir and top_builddir.
# SPDX-License-Identifier: Apache-2.0
set -u
top=${top_srcdir:-.} build=${top_builddir:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -r "$tmp"' EXIT
failed=0
fail() { printf 'FAILED: %s\n' "$1"; failed=1; }

# shellcheck disable=SC2016
"$build/docs/tables" metrics | sed -n 's/^| `\([a-z_]*\)` | \([a-z]*\) .*/\1 \2/p' >"$tmp/metrics"
[ "$(wc -l <"$tmp/metrics")" -gt 30 ] || fail "too few metrics"

names() { # the metrics that a file names; _bucket, _sum and _count belong to a histogram
    grep -oE '\b(sparrow|process)_[a-z_]+' "$1" | sort -u
}
for file in conf/prometheus-rules.yml conf/grafana-dashboard.json; do
    count=0
    for name in $(names "$top/$file"); do
        count=$((count + 1))
        grep -qE "^${name} " "$tmp/metrics" || grep -qE "^${name%_*} histogram" "$tmp/metrics" || fail "$file names $name"
    done
    [ "$count" -gt 5 ] || fail "$file names only $count metrics"
    printf 'ok: %s names %d metrics, all of them known\n' "$file" "$count"
done
# The dashboard is for what operators look at: these must not be forgotten.
for name in sparrow_requests_total sparrow_refused_total sparrow_stage_duration_seconds_bucket sparrow_replicas sparrow_device_power_watts; do
    names "$top/conf/grafana-dashboard.json" | grep -qx "$name" || fail "the dashboard lacks $name"
done
"${PYTHON3:-python3}" -m json.tool "$top/conf/grafana-dashboard.json" >/dev/null || fail "the dashboard is no JSON"

if command -v promtool >/dev/null; then
    cp "$top/conf/prometheus-rules.yml" "$top/tests/daemon/prometheus-rules.test.yml" "$tmp/"
    (cd "$tmp" && promtool check rules prometheus-rules.yml && promtool test rules prometheus-rules.test.yml) || fail "promtool"
    while read -r alert; do
        grep -q "alertname: $alert, exp_alerts: \[{" "$tmp/prometheus-rules.test.yml" || fail "no test in which $alert fires"
        grep -q "alertname: $alert, exp_alerts: \[\]" "$tmp/prometheus-rules.test.yml" || fail "no test in which $alert is silent"
    done < <(sed -n 's/.*alert: //p' "$top/conf/prometheus-rules.yml")
    promtool check config --syntax-only "$top/conf/prometheus.yml" || fail "prometheus.yml"
else
    echo "skipped: no promtool (package prometheus)"
fi
if command -v haproxy >/dev/null; then
    haproxy -c -f "$top/conf/haproxy.cfg" || fail "haproxy.cfg"
else
    echo "skipped: no haproxy to check haproxy.cfg"
fi
exit $failed
