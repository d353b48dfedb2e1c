# ./dev down: stops whatever ./dev run left running in this checkout and removes its state. Safe when nothing runs.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=deploy/local/state.sh
source "$LOCAL/state.sh"
# shellcheck source=deploy/local/cluster.sh
source "$LOCAL/cluster.sh"
COMMAND_NAME=down

[[ $# -eq 0 ]] || die 64 "takes no arguments"
if [[ ! -d "$RUN" ]]; then
  say "nothing runs here"
  exit 0
fi
take_lock
names="$(running_processes | paste -sd' ')"
stop_everything
remove_cluster
rm -rf -- "$RUN"
say "stopped ${names:-nothing (nothing ran)}, removed $RUN"
