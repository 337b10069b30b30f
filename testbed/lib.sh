# shellcheck shell=bash
# What the scripts here and in dev/ share. Sourced, never run.
# shellcheck disable=SC2034  # the scripts use these variables

# One state per machine, outside any clone: every clone on it shares one engine.
STATE=/var/lib/uds-stack-testbed
RUN=/run/uds-stack-testbed
# The cluster's programs and data, its sockets and keys, the image of its pods' first process, their bridge.
KUBERNETES=$STATE/kubernetes
KUBERNETES_RUN=$RUN/kubernetes
PAUSE_IMAGE=uds-stack-testbed-pause:1
KUBERNETES_BRIDGE=uds-testbed0
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

# apt_for RELEASE DIRECTORY [deb-src]: sets apt_options, with which apt-get reads that release of Debian from
# this machine's own sources (with deb-src: its source packages too). Lists and downloads are in DIRECTORY,
# and those of this machine stay as they are. It does not see which packages are installed: it would want
# the version of one that is installed from elsewhere.
apt_for() {
  local codename sources copy types=()
  # shellcheck source=/dev/null
  codename=$(source /etc/os-release && echo "$VERSION_CODENAME")
  sources=$(debian_sources)
  copy=$2/${sources##*/}
  # For both formats of the file: "Types: deb", or "deb URI ..." in each line.
  [[ ${3:-} != deb-src ]] || types=(-e 's/^Types:.*/Types: deb deb-src/' -e 's/^deb \(.*\)/&\ndeb-src \1/')
  mkdir -p "$2/lists/partial" "$2/cache/archives/partial"
  sed -e "s/\b$codename\b/$1/g" "${types[@]}" "$sources" >"$copy.$$"
  mv "$copy.$$" "$copy"
  apt_options=(
    -qq
    -o "Dir::Etc::sourcelist=$copy" -o Dir::Etc::sourceparts=-
    -o "Dir::State::Lists=$2/lists" -o "Dir::Cache=$2/cache" -o Dir::State::status=/dev/null
    -o APT::Sandbox::User=root -o Acquire::Languages=none
  )
  # Once for what several scripts want at the same time.
  {
    flock 6
    [[ -n $(find "$2/updated" -mmin -60 2>/dev/null) ]] ||
      apt-get "${apt_options[@]}" -o APT::Update::Error-Mode=any update >&2
    touch "$2/updated"
  } 6<"$2"
}

# running_from PATTERN: the pids of the processes whose program's path matches. A pid file may be stale, and
# its number reused. (find fails on kernel threads.)
running_from() {
  { find /proc/[0-9]*/exe -maxdepth 0 -lname "$1" 2>/dev/null || true; } | cut -d / -f 3
}

# stop_process PID SECONDS: sends SIGTERM, waits, then sends SIGKILL. A zombie has no exe.
stop_process() {
  local deadline=$((SECONDS + $2))
  kill -TERM "$1" 2>/dev/null || return 0
  while [[ -e /proc/$1/exe ]]; do
    ((SECONDS <= deadline)) || kill -KILL "$1" 2>/dev/null || true
    sleep 0.1
  done
}

# unmount_below DIRECTORY...: deepest first. rm would delete the files of a mount that remains.
unmount_below() {
  local directory mounted
  for directory in "$@"; do
    awk -v d="$directory/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
      while read -r mounted; do umount "$mounted" 2>/dev/null || umount --lazy "$mounted"; done
  done
}

# alone SUBJECT: only one script at a time continues from here, of all clones on this machine. The lock is on a
# directory that each Debian has, so no lock file remains. A script that holds it may call another one that takes it.
declare -A LOCKS=([engine]=/var/lib [images]=/var/lib/apt [packages]=/var/lib/dpkg)
alone() {
  [[ " ${UDS_TESTBED_ALONE:-} " != *" $1 "* ]] || return 0
  exec 9<"${LOCKS[$1]}"
  if ! flock --nonblock 9; then
    [[ $1 == packages ]] || say "waiting for another make on this machine"
    flock 9
  fi
  export UDS_TESTBED_ALONE="${UDS_TESTBED_ALONE:-} $1"
}
