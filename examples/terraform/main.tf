resource "alicloud_vpc" "this" {
  vpc_name   = var.name
  cidr_block = "10.0.0.0/8"
}

resource "alicloud_vswitch" "half" {
  count = 2

  vpc_id       = alicloud_vpc.this.id
  vswitch_name = "${var.name}-${count.index + 1}"
  zone_id      = var.zones[count.index]
  cidr_block   = cidrsubnet(alicloud_vpc.this.cidr_block, 16, count.index + 1)
}

# A half in each vSwitch: IPsec connections have two tunnels.
resource "alicloud_vpn_gateway" "this" {
  vpn_gateway_name             = var.name
  description                  = "An example"
  vpc_id                       = alicloud_vpc.this.id
  vswitch_id                   = alicloud_vswitch.half[0].id
  disaster_recovery_vswitch_id = alicloud_vswitch.half[1].id
  bandwidth                    = var.bandwidth
  network_type                 = "public"
  payment_type                 = "PayAsYouGo"
  enable_ipsec                 = true
  enable_ssl                   = false

  tags = {
    example = "terraform"
  }
}
