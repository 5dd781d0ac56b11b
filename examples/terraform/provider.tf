# Key and secret come from ALICLOUD_ACCESS_KEY and ALICLOUD_SECRET_KEY.
provider "alicloud" {
  region   = var.region
  protocol = var.endpoint == "" || var.tls ? "HTTPS" : "HTTP"

  # Without it the provider asks for the account's type before anything else.
  account_type = "Domestic"

  endpoints {
    vpc = var.endpoint
  }
}
