#!/usr/bin/env bash
# The main job on this machine: a Device Manager, the agent with a supervised device plugin for each
# entry of the sample configuration, and a sample Pod that is handed this machine's real devices.
#
#   make run               stays up until Ctrl-C; the page and the metrics can be looked at
#   RUN_ONCE=1 make run    ends after the Pod
#   CONFIG=FILE make run   your own DevicePluginConfig
#   LISTEN=127.0.0.1:9999 make run   another address for page and metrics; port 0: any
#   HOST_ROOT=DIR          the devices of a node that is a folder, instead of this machine's
#   KUBELET_DIR=DIR        a folder that stays, instead of a temporary one
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${BIN:-build/release/bin}
config=${CONFIG:-operator-manifests/samples/laptop.yaml}
listen=${LISTEN:-127.0.0.1:9807}
host_root=${HOST_ROOT:-/}
node=${HOST_ROOT:-this machine}
work=$(mktemp -d "${TMPDIR:-/tmp}/nodedevice.XXXXXX")
kubelet_dir=${KUBELET_DIR:-$work/kubelet}
mkdir -p "$kubelet_dir"
children=()

cleanup() {
  local status=$?
  trap - EXIT INT TERM
  # The agent first: it ends its plugins; then the Device Manager.
  for ((i = ${#children[@]} - 1; i >= 0; i--)); do
    kill "${children[i]}" 2>/dev/null || true
    wait "${children[i]}" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }

# Waits until a command succeeds; says what it waited for when it never does.
wait_for() {
  local what=$1
  shift
  local met
  for _ in $(seq 300); do
    met=no
    "$@" >/dev/null 2>&1 && met=yes
    for pid in "${children[@]}"; do
      kill -0 "$pid" 2>/dev/null || {
        echo "a program ended while waiting for $what; its log:" >&2
        cat "$work"/*.log >&2
        return 1
      }
    done
    [ $met = no ] || return 0
    sleep 0.1
  done
  echo "waited 30 s for $what; the logs:" >&2
  cat "$work"/*.log >&2
  return 1
}

say "Device Manager on $kubelet_dir"
"$bin/device-manager" serve --kubelet-dir "$kubelet_dir" 2>"$work/device-manager.log" &
children+=($!)
wait_for "the Device Manager" "$bin/device-manager" status --kubelet-dir "$kubelet_dir"

say "agent with $config"
checked=$("$bin/node-device-agent" --check --config "$config")
echo "$checked"
entries=$(sed -n 's/.*: valid, \([0-9]*\) plugin.*/\1/p' <<<"$checked")
"$bin/node-device-agent" --config "$config" --kubelet-dir "$kubelet_dir" --listen "$listen" \
  --host-root "$host_root" 2>"$work/agent.log" &
children+=($!)
wait_for "the agent's page" grep -q 'serving http://' "$work/agent.log"
listen=$(sed -n 's#.*serving http://\([0-9.:]*\).*#\1#p' "$work/agent.log" | head -1)
wait_for "all plugins to be registered" curl --fail --silent "http://$listen/readyz"

# A vendor's plugin (exec) registers on its own; an entry may announce more than one resource.
enough_resources() {
  "$bin/device-manager" status --kubelet-dir "$kubelet_dir" --json |
    jq -e ".resources | length >= $entries"
}
wait_for "a resource of each entry" enough_resources

say "resources registered from the devices of $node"
"$bin/device-manager" status --kubelet-dir "$kubelet_dir"

# One of each resource that this machine has, at most four.
wanted=$("$bin/device-manager" status --kubelet-dir "$kubelet_dir" --json |
  jq -r '[.resources[] | select(.allocatable > 0) | .name] | .[:4][]')
if [ -z "$wanted" ]; then
  echo "$node has none of the devices that $config names" >&2
  exit 1
fi
{
  cat <<'POD'
apiVersion: v1
kind: Pod
metadata: {name: sample}
spec:
  containers:
  - name: main
    image: registry.example/sample
    resources:
      limits:
POD
  for resource in $wanted; do echo "        $resource: 1"; done
} >"$work/pod.yaml"
say "sample Pod"
cat "$work/pod.yaml"
say "what the kubelet would hand to the container runtime"
"$bin/device-manager" admit --kubelet-dir "$kubelet_dir" "$work/pod.yaml"

say "where to look"
cat <<WHERE
page       http://$listen/
metrics    http://$listen/metrics   (health: /healthz, /readyz)
resources  $bin/device-manager status --kubelet-dir $kubelet_dir
restart    $bin/device-manager restart --kubelet-dir $kubelet_dir   (as a restarted kubelet)
logs       $work/agent.log $work/device-manager.log
WHERE
if [ "${RUN_ONCE:-0}" = 1 ]; then exit 0; fi
printf '\nCtrl-C ends everything.\n'
wait "${children[@]}"
