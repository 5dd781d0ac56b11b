"""The environment variables by which other programs find a service."""

from __future__ import annotations

from collections.abc import Mapping

#: Products of which we serve what Terraform's provider asks, as it spells them in its variables.
_PRODUCTS = ("VPC", "ECS", "ALB", "STS", "LOCATION", "BSSOPENAPI", "RESOURCEMANAGER")


def environment_for(
    address: str, key_id: str, secret: str, region: str, account_id: str, given: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a service at ``127.0.0.1:PORT``; ``given`` is what the environment has of proxies already.

    Names are those that the programs read (terraform-provider-alicloud 1.289.0, alibabacloud-credentials, aliyun CLI).
    """
    here = [address.partition(":")[0], address, "localhost"]
    no_proxy = ",".join([*filter(None, (given.get("NO_PROXY") or given.get("no_proxy") or "").split(",")), *here])
    return {
        # SDKs and the CLI
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret,
        "ALIBABA_CLOUD_REGION_ID": region,
        "ALIBABA_CLOUD_ENDPOINT": address,
        # Terraform's provider
        "ALICLOUD_ACCESS_KEY": key_id,
        "ALICLOUD_SECRET_KEY": secret,
        "ALICLOUD_REGION": region,
        "ALICLOUD_ACCOUNT_ID": account_id,
        "ALIBABA_CLOUD_ACCOUNT_TYPE": "Domestic",
        **{f"ALIBABA_CLOUD_ENDPOINT_{product}": address for product in _PRODUCTS},
        **{f"{product}_ENDPOINT": address for product in _PRODUCTS},
        # gatewright call
        "GATEWRIGHT_ENDPOINT": f"http://{address}",
        "GATEWRIGHT_ACCESS_KEY_ID": key_id,
        "GATEWRIGHT_ACCESS_KEY_SECRET": secret,
        "GATEWRIGHT_REGION": region,
        # the provider's client looks for address and port, others for the address
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
