output "vpn_gateway_id" {
  value = alicloud_vpn_gateway.this.id
}

output "addresses" {
  description = "Where peers find the two halves."
  value = [
    alicloud_vpn_gateway.this.internet_ip,
    alicloud_vpn_gateway.this.disaster_recovery_internet_ip,
  ]
}
