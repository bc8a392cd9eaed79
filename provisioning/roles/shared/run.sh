# Applies the roles of an unpacked bundle, in the subshell that bootstrap.sh makes for it. fd 3 is the report.
# shellcheck shell=bash
set -Eeuo pipefail
: "${work:?}" "${secrets?}" "${applied:?}" "${digest:?}"
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
umask 022
cd /

# shellcheck disable=SC1091
. "$work/shared/lib.sh"
# shellcheck disable=SC1091
. "$work/variables.sh"
: "${roles:?}" "${changes:?}"

role=packages
trap 'echo "seatrial: role $role failed: line $LINENO of ${BASH_SOURCE[0]##*/}" >&2' ERR
trap clean_up EXIT

mapfile -t wanted <"$work/packages"
ensure_packages "${wanted[@]}"
report_role
for role in $roles; do
    # shellcheck disable=SC2034
    files=$work/$role/files # what the role installs
    # shellcheck disable=SC1090
    . "$work/$role/role.sh"
    report_role
done

install -d -m 0755 /var/lib/seatrial "${applied%/*}"
echo "$digest" >"$applied.new"
mv -T "$applied.new" "$applied"
echo "seatrial: applied ${digest:0:12} changed=$changes" >&3
