# shellcheck shell=bash
# What the scripts here and in dev/ share. Sourced, never run.
# shellcheck disable=SC2034  # the scripts use these variables

# One state per machine, outside any clone: every clone on it shares one engine.
STATE=/var/lib/uds-stack-testbed
RUN=/run/uds-stack-testbed
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# version_at_least HAVE WANT
version_at_least() { printf '%s\n%s\n' "$2" "$1" | sort --check=quiet --version-sort; }

root_on_debian() {
  [[ $(id -u) == 0 ]] && grep -qs '^ID=debian$' /etc/os-release && have apt-get
}

# The file that says where this machine gets Debian's packages.
debian_sources() {
  local file
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if [[ -s $file ]]; then echo "$file" && return; fi
  done
  die "found neither debian.sources nor sources.list in /etc/apt"
}

# Only one script at a time continues from here, of all clones on this machine. The lock is on a
# directory that exists everywhere, so no lock file remains. A script that holds the lock may call
# another one that takes it.
alone() {
  [[ -z ${UDS_TESTBED_ALONE:-} ]] || return 0
  exec 9</var/lib
  if ! flock --nonblock 9; then
    say "waiting for another make on this machine"
    flock 9
  fi
  export UDS_TESTBED_ALONE=$$
}
