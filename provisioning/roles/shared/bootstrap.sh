# The one command of a bundle, run as root with the arguments DIGEST LAYER. It has come as the first line of stdin, where
# the bundle follows: a line of secrets, then the archive. Its stdout is the short report; everything else goes to the journal (-t seatrial).
# shellcheck shell=bash
set -euo pipefail
digest=$1 layer=$2
applied=/var/lib/seatrial/applied/$layer

refuse() {
    cat >/dev/null # whoever sends the bundle must be able to finish
    echo "seatrial: $1" >&2
    exit 1
}

trap 'echo "seatrial: the time limit is over; see on the host: journalctl -t seatrial" >&2; exit 124' TERM
exec 9>/run/seatrial.lock
flock --wait 600 9 || refuse "another bundle is being applied to this host for 10 minutes; see: journalctl -t seatrial"
if [ "$(cat "$applied" 2>/dev/null)" = "$digest" ]; then
    cat >/dev/null
    echo "seatrial: applied ${digest:0:12} changed=0"
    exit 0
fi

if command -v cloud-init >/dev/null; then
    status=0
    timeout 600 cloud-init status --wait >/dev/null 2>&1 </dev/null || status=$?
    case $status in
    0 | 2) ;; # 2: done, with complaints
    124) refuse "cloud-init is not done after 10 minutes; see /var/log/cloud-init-output.log on the host" ;;
    *) refuse "cloud-init failed (exit $status); see /var/log/cloud-init-output.log on the host" ;;
    esac
fi

rm -f "$applied" # from here on the host is neither the old nor the new bundle
work=$(mktemp -d /run/seatrial.XXXXXXXX)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2034  # run.sh has it
IFS= read -r secrets
base64 --decode | tar --extract --gzip --directory "$work" --no-same-owner
exec 3>&1
set +e
(
    set -e
    # shellcheck disable=SC1091
    . "$work/shared/run.sh"
) </dev/null 2>&1 9>&- | tee "$work/log" | systemd-cat -t seatrial
status=${PIPESTATUS[0]}
set -e
if [ "$status" -ne 0 ]; then
    tail -n 30 "$work/log" >&2
    echo "seatrial: the bundle ${digest:0:12} was not applied (exit $status); apply it again once the cause is gone" >&2
    exit "$status"
fi
