# HAProxy in front of the app hosts.
# shellcheck shell=bash
: "${files:?}" "${site:?}" "${roles:?}" "${edge_server_names:?}" "${drain_seconds:?}"

install_host_program
after_private_address haproxy.service

ensure_directory /etc/systemd/system/haproxy.service.d 0755 root:root
install_file "$files/haproxy.service.conf" /etc/systemd/system/haproxy.service.d/seatrial.conf 0644 root:root \
    daemon-reload haproxy.service:restart
install_file "$files/maintenance.html" /etc/haproxy/maintenance.html 0644 root:root haproxy.service:reload
install_secret edge_operators /etc/haproxy/operators.cfg 0640 root:haproxy haproxy.service:reload

if [ ! -e /proc/net/if_inet6 ]; then sed -i '/bind :::/d' "$files/haproxy.cfg"; fi
haproxy -c -f "$files/haproxy.cfg" -f /etc/haproxy/operators.cfg
# Requests on a host that is going to be taken out are answered first.
if [ -S /run/haproxy/admin.sock ]; then
    seatrial-host edge-retire <<<"{\"site\": \"$site\", \"kept\": \"$edge_server_names\", \"timeout_seconds\": $drain_seconds}"
fi
install_file "$files/haproxy.cfg" /etc/haproxy/haproxy.cfg 0644 root:root haproxy.service:reload
settle haproxy.service

# The second edge goes: this one takes the address first, and has it for good.
if [ -e /etc/seatrial/address.json ] && [[ " $roles " != *" failover "* ]]; then
    retire keepalived.service
    retire seatrial-address.timer
    seatrial-host address-take --always || fail "the address of $site could not be taken: the line above says why"
    for path in /etc/keepalived/keepalived.conf /etc/seatrial/address.token /etc/seatrial/address.json; do
        ensure_absent "$path"
    done
    ensure_absent /etc/systemd/system/seatrial-address.timer daemon-reload
    ensure_absent /etc/systemd/system/seatrial-address.service daemon-reload
    reload_units
fi
