# The site's host: its users and folders, what it must know, uv, the host program, gunicorn's slots, nginx.
# shellcheck shell=bash
: "${files:?}" "${site:?}" "${uv_version:?}"

ensure_group "$site"
ensure_user "$site" "$site" "/var/cache/$site"
ensure_user "$site-build" "$site" "/var/cache/$site-build"
if getent group redis >/dev/null; then ensure_member "$site" redis; fi

ensure_directory "/srv/$site" 0755 root:root
ensure_directory "/srv/$site/releases" 0751 "$site-build:$site"
ensure_directory "/srv/$site/slots" 0755 root:root
ensure_directory "/srv/$site/shared" 0751 "$site:$site"
ensure_directory "/srv/$site/shared/media" 2750 "$site:www-data"
ensure_directory "/srv/$site/shared/database" 0700 "$site:$site"
ensure_directory "/var/cache/$site" 0700 "$site:$site"
ensure_directory "/var/cache/$site-build" 0700 "$site-build:$site"

ensure_directory "/etc/$site" 0750 "root:$site"
install_secret site_json "/etc/$site/site.json" 0640 "root:$site"
install_secret site_env "/etc/$site/site.env" 0640 "root:$site"

# uv, from the package index that pip is configured for.
uv=/opt/seatrial/uv
if [ "$("$uv/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
    rm -rf "$uv.new"
    for pip in /usr/share/python-wheels/pip-*.whl; do break; done
    python3 "$pip/pip" install --quiet --no-input --disable-pip-version-check --root-user-action=ignore \
        --no-cache-dir --only-binary=:all: --no-compile --target "$uv.new" "uv==$uv_version" ||
        fail "uv $uv_version could not be installed from the package index: the lines above say why"
    rm -rf "$uv"
    mv -T "$uv.new" "$uv"
    changed "uv $uv_version"
fi
ensure_link "$uv/bin/uv" /usr/local/bin/uv

install_host_program

install_file "$files/gunicorn.py" "/etc/$site/gunicorn.py" 0644 root:root
install_file "$files/gunicorn@.service" /etc/systemd/system/gunicorn@.service 0644 root:root daemon-reload
install_file "$files/gunicorn@.socket" /etc/systemd/system/gunicorn@.socket 0644 root:root daemon-reload
reload_units

if [ ! -e /proc/net/if_inet6 ]; then sed -i '/listen \[::\]/d' "$files/nginx-site.conf"; fi
ensure_directory /etc/systemd/system/nginx.service.d 0755 root:root
install_file "$files/nginx.service.conf" /etc/systemd/system/nginx.service.d/seatrial.conf 0644 root:root \
    daemon-reload nginx.service:restart
install_file "$files/nginx.conf" /etc/nginx/nginx.conf 0644 root:root nginx.service:reload
install_file "$files/nginx-site.conf" /etc/nginx/sites-enabled/seatrial.conf 0644 root:root nginx.service:reload
ensure_absent /etc/nginx/sites-enabled/default nginx.service:reload
(ulimit -S -n 8192 && nginx -q -t)
settle nginx.service
