# Every host: time, locale, SSH, the journal, updates, swap on a small droplet.
# shellcheck shell=bash
: "${files:?}" "${work:?}" "${memory_mb:?}" "${roles:?}"

ensure_link /usr/share/zoneinfo/Etc/UTC /etc/localtime
install_file "$files/timezone" /etc/timezone 0644 root:root
if installed systemd-timesyncd && ! systemd-detect-virt --quiet --container; then
    settle systemd-timesyncd.service # in a container the clock is the machine's
fi
install_file "$files/locale" /etc/default/locale 0644 root:root

# The algorithms of ssh.conf that this release of OpenSSH knows; the rest of it stays as it is.
known_algorithms() {
    local keyword value name kept
    while read -r keyword value; do
        case $keyword in
        KexAlgorithms) kept=$(ssh -Q kex) ;;
        Ciphers) kept=$(ssh -Q cipher) ;;
        MACs) kept=$(ssh -Q mac) ;;
        *)
            echo "$keyword${value:+ $value}"
            continue
            ;;
        esac
        local names=()
        for name in ${value//,/ }; do
            if grep -qxF "$name" <<<"$kept"; then names+=("$name"); fi
        done
        (IFS=, && echo "$keyword ${names[*]}")
    done <"$files/ssh.conf"
    # From 9.8 on, OpenSSH locks out an address that connects a few times without logging in: a deployer waiting for
    # a host, for example. Keys alone and the cloud firewall already keep guessers away.
    if sshd -t -f <(echo 'PerSourcePenalties no') 2>/dev/null; then echo 'PerSourcePenalties no'; fi
}
mkdir -p /run/sshd # missing where ssh is started by its socket
known_algorithms >"$work/ssh.conf"
sshd -t -f "$work/ssh.conf"
install_file "$work/ssh.conf" /etc/ssh/sshd_config.d/10-seatrial.conf 0644 root:root ssh.service:reload
heed ssh.service # not enabled by us: it may be its socket that starts it

if [ -n "${SUDO_UID:-}" ]; then # who deploys has no services of their own; a login need not wait for them
    ensure_link /dev/null "/etc/systemd/system/user@$SUDO_UID.service"
fi

ensure_directory /etc/systemd/journald.conf.d 0755 root:root
install_file "$files/journald.conf" /etc/systemd/journald.conf.d/seatrial.conf 0644 root:root \
    systemd-journald.service:restart
heed systemd-journald.service
journalctl --flush
case " $roles " in
*" sender "* | *" syslog "*) ;;
*) # the journal is all there is; what an earlier setting sent it to gets no more of it
    retire rsyslog.service
    ensure_absent /etc/rsyslog.d/message.conf
    ;;
esac

install_file "$files/apt.conf" /etc/apt/apt.conf.d/80seatrial 0644 root:root
settle unattended-upgrades.service

if [ "$memory_mb" -lt 2048 ] && [ "$(wc -l </proc/swaps)" -eq 1 ] && ! systemd-detect-virt --quiet --container; then
    rm -f /swapfile
    fallocate --length 1GiB /swapfile
    chmod 0600 /swapfile
    mkswap --quiet /swapfile 2>/dev/null || mkswap /swapfile
    swapon /swapfile
    changed /swapfile
fi
if [ -e /swapfile ] && ! grep -q '^/swapfile ' /etc/fstab; then
    echo '/swapfile none swap sw 0 0' >>/etc/fstab
    changed /etc/fstab
fi
