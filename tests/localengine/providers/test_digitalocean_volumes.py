from __future__ import annotations

from localengine.provider import Provider
from tests.localengine.providers.lifecycle import make
from tests.localengine.providers.volume_server import VolumeServer

VOLUME = "digitalocean:index/volume:Volume"
ATTACHMENT = "digitalocean:index/volumeAttachment:VolumeAttachment"


def test_a_volume_grows_in_place_and_is_attached_and_detached(providers: dict[str, Provider]) -> None:
    server, provider = VolumeServer(), providers["digitalocean"]
    with server.started() as url:
        provider.configure({"apiEndpoint": url, "token": "t"})
        made = make(provider, VOLUME, called="Data", region="FRA1", size=10, initialFilesystemType="ext4")
        assert made.outputs["name"].startswith("data-") and made.outputs["region"] == "FRA1"
        assert made.outputs["filesystemType"] == "ext4"
        assert made.outputs["volumeUrn"] == f"do:volume:{made.id}"
        assert made.diff().changed == () and made.diff(size=20).replaces == ()
        grown = made.update(size=20)
        assert grown.outputs["size"] == server.volumes[made.id]["size_gigabytes"] == 20
        assert made.diff(description="other").replaces == ("description",)

        server.busy = 2
        link = make(provider, ATTACHMENT, volumeId=made.id, dropletId="42")
        assert server.volumes[made.id]["droplet_ids"] == [42] and server.busy == 0
        assert link.refresh() == link and link.diff().changed == ()
        assert link.diff(dropletId=43).replaces == ("dropletId",)
        link.delete()
        assert server.volumes[made.id]["droplet_ids"] == [] and link.refresh() is None
        grown.delete()
        assert server.volumes == {} and grown.refresh() is None
