# The words that roles are written in. Each brings one thing into a state, and says so only where it was not yet.
# A unit that must notice a change is written down under $pending before the change is made, so that a run which
# ends half-way is finished by the next one.
# shellcheck shell=bash

: "${secrets=}" "${work=}" "${private_address=}"
pending=/run/seatrial/pending
role=
install -d -m 0755 "$pending"
changes=0
role_changes=()
unfinished=() # what must not be left behind

# changed WHAT: counts and remembers one change.
changed() {
    changes=$((changes + 1))
    role_changes+=("$1")
    echo "$role: $1"
}

# report_role: one line on the report for the role that has just ended, if it changed anything.
report_role() {
    local count=${#role_changes[@]} line
    if [ "$count" -gt 0 ]; then
        printf -v line '%s, ' "${role_changes[@]}"
        line="$role: $count changed: ${line%, }"
        [ "${#line}" -le 160 ] || line="${line:0:157}..."
        echo "$line" >&3
    fi
    role_changes=()
}

clean_up() {
    rm -f "${unfinished[@]}"
    allow_service_starts
}

fail() {
    echo "seatrial: $*" >&2
    exit 1
}

# secret NAME: the secret of that name on stdout.
secret() {
    local pair
    for pair in $secrets; do
        if [ "${pair%%=*}" = "$1" ]; then
            printf '%s' "${pair#*=}" | base64 --decode
            return
        fi
    done
    fail "the bundle holds no secret $1"
}

# notify ACTION...: remembers what a change asks for: UNIT:reload, UNIT:restart, or daemon-reload.
notify() {
    local action
    for action; do : >"$pending/$action"; done
}

# install_file SOURCE DESTINATION MODE OWNER:GROUP [ACTION...]
install_file() {
    local source=$1 destination mode=$3 owner=$4 new
    destination=$(readlink -m "$2")
    new=$destination.seatrial-new
    shift 4
    unfinished=("$new")
    rm -f "$new"
    (umask 077 && cat -- "$source" >"$new")
    chown "$owner" "$new"
    chmod "$mode" "$new"
    if cmp -s "$new" "$destination" && [ "$(stat -c %a:%u:%g "$new")" = "$(stat -c %a:%u:%g "$destination")" ]; then
        rm "$new"
        return
    fi
    notify "$@"
    mv -T "$new" "$destination"
    changed "$destination"
}

# install_secret NAME DESTINATION MODE OWNER:GROUP [ACTION...]
install_secret() {
    local content
    content=$(secret "$1" && echo .) # the dot keeps the newlines at the end
    install_file <(printf '%s' "${content%.}") "${@:2}"
}

# install_tree SOURCE DESTINATION: a folder of root's files, and nothing else in it but Python's caches.
install_tree() {
    local source=$1 destination=$2 path
    ensure_directory "$destination" 0755 root:root
    while IFS= read -r path; do
        ensure_directory "$destination/$path" 0755 root:root
    done < <(cd "$source" && find . -mindepth 1 -type d -printf '%P\n' | sort)
    while IFS= read -r path; do
        install_file "$source/$path" "$destination/$path" 0644 root:root
    done < <(cd "$source" && find . -type f -printf '%P\n' | sort)
    while IFS= read -r path; do
        [ -e "$source/$path" ] || ensure_absent "$destination/$path"
    done < <(cd "$destination" && find . -type f -not -path '*/__pycache__/*' -printf '%P\n' | sort)
}

# install_host_program: `seatrial-host`, which does the steps of a release.
install_host_program() {
    install_tree "$work/shared/onhost" /usr/local/lib/seatrial/onhost
    install_file "$work/shared/seatrial-host" /usr/local/sbin/seatrial-host 0755 root:root
}

# after_private_address UNIT: a unit that listens there starts when the address is up, however late that is.
after_private_address() {
    local waiting=seatrial-private-address.service folder=/etc/systemd/system
    install_file <(
        printf '[Unit]\nDescription=The private address\nAfter=network-online.target\nWants=network-online.target\n\n'
        printf '[Service]\nType=oneshot\nTimeoutStartSec=300\n'
        printf 'ExecStart=/bin/sh -c "until ip -4 -brief address show to %s | grep -q .; do sleep 0.5; done"\n' \
            "$private_address"
    ) "$folder/$waiting" 0644 root:root daemon-reload
    ensure_directory "$folder/$1.d" 0755 root:root
    install_file <(printf '[Unit]\nWants=%s\nAfter=%s\n' "$waiting" "$waiting") "$folder/$1.d/private-address.conf" \
        0644 root:root daemon-reload
}

# prepare_rsyslog: rsyslog as a user of its own, shut in; what it does is its configuration's to say.
prepare_rsyslog() {
    local folder=/etc/systemd/system/rsyslog.service.d
    ensure_group _syslog
    ensure_user _syslog _syslog /var/spool/rsyslog
    ensure_directory /var/spool/rsyslog 0700 _syslog:_syslog
    ensure_directory "$folder" 0755 root:root
    install_file "$work/shared/rsyslog.service.conf" "$folder/seatrial.conf" 0644 root:root \
        daemon-reload rsyslog.service:restart
}

# ensure_absent PATH [ACTION...]
ensure_absent() {
    local path=$1
    shift
    [ -e "$path" ] || [ -L "$path" ] || return 0
    notify "$@"
    rm -f "$path"
    changed "no $path"
}

# ensure_directory PATH MODE OWNER:GROUP
ensure_directory() {
    local path=$1 mode=$2 owner=$3
    [ "$(stat -c %04a:%U:%G "$path" 2>/dev/null)" != "$mode:$owner" ] || return 0
    install -d -m "$mode" -o "${owner%:*}" -g "${owner#*:}" "$path"
    changed "$path"
}

# ensure_link TARGET LINK
ensure_link() {
    [ "$(readlink "$2" || true)" != "$1" ] || return 0
    ln -s "$1" "$2.seatrial-new"
    mv -T "$2.seatrial-new" "$2"
    changed "$2"
}

# ensure_group NAME
ensure_group() {
    if ! getent group "$1" >/dev/null; then
        groupadd --system "$1"
        changed "group $1"
    fi
}

# ensure_user NAME GROUP HOME: a system user that nobody can log in as. One that is somebody else's is an error.
ensure_user() {
    local name=$1 group=$2 home=$3 existing
    if existing=$(getent passwd "$name"); then
        [ "$(cut -d: -f6 <<<"$existing")" = "$home" ] ||
            fail "the user '$name' is already on this system and not Seatrial's: choose another site_name"
        return
    fi
    useradd --system --no-create-home --home-dir "$home" --gid "$group" --shell /usr/sbin/nologin "$name"
    changed "user $name"
}

# ensure_member USER GROUP
ensure_member() {
    if ! id -nG "$1" | tr ' ' '\n' | grep -qxF "$2"; then
        usermod --append --groups "$2" "$1"
        changed "$1 in group $2"
    fi
}

# settle UNIT: enabled, running, and having noticed every change made for it.
settle() {
    local unit=$1
    reload_units
    if ! systemctl --quiet is-enabled "$unit"; then
        systemctl --quiet enable "$unit"
        changed "$unit enabled"
    fi
    if systemctl --quiet is-active "$unit"; then
        heed "$unit"
    else
        command_unit start "$unit"
        rm -f "$pending/$unit":*
    fi
}

# retire UNIT: neither running nor started again by itself, where it is there at all.
retire() {
    systemctl --quiet is-enabled "$1" 2>/dev/null || systemctl --quiet is-active "$1" || return 0
    systemctl --quiet disable --now "$1"
    changed "$1 disabled"
}

# heed UNIT: a running unit notices every change made for it.
heed() {
    local unit=$1 verb=
    reload_units
    if [ -e "$pending/$unit:restart" ]; then
        verb=restart
    elif [ -e "$pending/$unit:reload" ]; then
        verb=reload
    fi
    if [ -n "$verb" ] && systemctl --quiet is-active "$unit"; then command_unit "$verb" "$unit"; fi
    rm -f "$pending/$unit":*
}

command_unit() {
    if ! systemctl "$1" "$2"; then
        journalctl --unit "$2" --lines 12 --no-pager --output cat || true
        fail "$2 did not $1: the lines above say why"
    fi
    changed "$2 $1"
}

# reload_units: lets systemd read unit files that were changed.
reload_units() {
    [ -e "$pending/daemon-reload" ] || return 0
    systemctl daemon-reload
    rm -f "$pending/daemon-reload"
}

# installed PACKAGE
installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# ensure_packages PACKAGE...: in one apt-get. "a|b" is there when one of them is, and else becomes a.
ensure_packages() {
    local wanted alternative missing=()
    for wanted; do
        for alternative in ${wanted//|/ }; do
            if installed "$alternative"; then continue 2; fi
        done
        missing+=("${wanted%%|*}")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    rm -f /var/lib/man-db/auto-update # its timer does that once a day
    refuse_service_starts
    dpkg --configure --pending
    # Lists of another day name versions that are gone.
    if [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mmin -360 -print -quit)" ]; then
        apt_get update
    fi
    apt_get install --yes --no-install-recommends "${missing[@]}"
    allow_service_starts
    changed "packages ${missing[*]}"
}

# apt_get ARGUMENT...: waits up to ten minutes for whoever else is at it (a fresh droplet's own first updates).
# To `update`, an archive out of reach is only a warning; `install` then says that the packages are unknown.
unreachable=
apt_get() {
    local tries=0 output cause
    until output=$(apt-get --quiet -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
        -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" 2>&1); do
        tries=$((tries + 1))
        if [ "$tries" -ge 60 ] || ! grep -qE 'Could not get lock|Unable to lock' <<<"$output"; then
            echo "$output"
            cause=${unreachable:-$(grep -m 1 '^E: ' <<<"$output" || true)}
            fail "apt-get $1 failed: ${cause:-the lines above say why}"
        fi
        sleep 10
    done
    unreachable=$(grep -m 1 'Failed to fetch' <<<"$output" || true)
    echo "$output"
}

# While packages are installed no service starts with its stock configuration, open to whom it likes.
service_policy=/usr/sbin/policy-rc.d
refuse_service_starts() {
    [ -e "$service_policy" ] && ! grep -q seatrial "$service_policy" && return
    printf '#!/bin/sh\n# seatrial: no service starts before it is configured\nexit 101\n' >"$service_policy"
    chmod 0755 "$service_policy"
}
allow_service_starts() {
    if [ -e "$service_policy" ] && grep -q seatrial "$service_policy"; then rm -f "$service_policy"; fi
}
allow_service_starts # one that an interrupted run left
