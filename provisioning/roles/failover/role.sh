# keepalived on one of two edges: when the other one fails, this one takes the site's address.
# shellcheck shell=bash
: "${files:?}" "${private_address:?}"

interface=$(ip -4 -brief address show to "$private_address" | sed 's/[@ ].*//')
[ -n "$interface" ] || fail "no network interface has the private address $private_address"
sed -i "s/^    interface .*/    interface $interface/" "$files/keepalived.conf"

ensure_directory /etc/seatrial 0755 root:root
install_file "$files/address.json" /etc/seatrial/address.json 0644 root:root
ensure_group seatrial-address
ensure_user seatrial-address seatrial-address /nonexistent
install_secret edge_token /etc/seatrial/address.token 0640 root:seatrial-address
for unit in service timer; do
    install_file "$files/seatrial-address.$unit" "/etc/systemd/system/seatrial-address.$unit" 0644 root:root daemon-reload
done
settle seatrial-address.timer

after_private_address keepalived.service
install_file "$files/peer-is-gone" /usr/local/lib/seatrial/peer-is-gone 0755 root:root
ensure_directory /etc/systemd/system/keepalived.service.d 0755 root:root
install_file "$files/keepalived.service.conf" /etc/systemd/system/keepalived.service.d/seatrial.conf 0644 root:root \
    daemon-reload keepalived.service:restart
install_file "$files/keepalived.conf" /etc/keepalived/keepalived.conf 0644 root:root keepalived.service:restart
settle keepalived.service
