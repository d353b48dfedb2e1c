# ./dev deps: installs the Debian packages that are missing. Quick when none is.
# shellcheck source=deploy/local/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
COMMAND_NAME=deps

command -v dpkg-query >/dev/null || die 69 "this is not Debian (no dpkg-query): install what deploy/local/packages.txt lists"

mapfile -t wanted < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$LOCAL/packages.txt")

# Of all that dpkg knows about the wanted packages, those that are wholly installed ("ii", also when on hold).
declare -A installed=()
while read -r status package; do
  [[ "$status" == ?i ]] && installed["$package"]=1
done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)

missing=()
for package in "${wanted[@]}"; do
  [[ -n "${installed[$package]:-}" ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if ! is_root; then
  die 69 "${#missing[@]} packages are missing; run: sudo apt-get install -y --no-install-recommends ${missing[*]}"
fi

for package in "${missing[@]}"; do
  case "$package" in
    libboost*1.81-dev)
      old="$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 'libboost1.*-dev' 2>/dev/null |
        sed -n 's/^ii *\(libboost1\.[0-9]*-dev\)$/\1/p' | grep -v '^libboost1\.81-dev$' || true)"
      [[ -z "$old" ]] || warn "$old gives way to libboost1.81-dev: Debian cannot hold both"
      ;;
    postgresql-15)
      # Debian's own cluster is none of our business: without this line installing the server would create and start it.
      if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
        mkdir -p /etc/postgresql-common
        printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
      fi
      ;;
  esac
done

say "installing ${#missing[@]} packages: ${missing[*]}"
log="$(mktemp /tmp/tokenwatch-deps.XXXXXX)"
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-confold \
  "${missing[@]}"; } </dev/null >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  die 69 "apt-get failed; the whole output is in $log"
fi
rm -f -- "$log"
