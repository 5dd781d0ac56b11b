variable "endpoint" {
  type        = string
  description = "Gatewright's HOST:PORT, such as 127.0.0.1:8080, without http://. Empty for Alibaba Cloud, which costs money."

  validation {
    condition     = !strcontains(var.endpoint, "://")
    error_message = "Write HOST:PORT without a scheme, such as 127.0.0.1:8080."
  }
}

variable "tls" {
  type        = bool
  description = "Whether Gatewright serves over HTTPS there; SSL_CERT_FILE names its authority then."
  default     = false
}

variable "region" {
  type        = string
  description = "Region of all that is made."
  default     = "cn-hangzhou"
}

variable "zones" {
  type        = list(string)
  description = "The two zones of the gateway's halves."
  default     = ["cn-hangzhou-k", "cn-hangzhou-j"]

  validation {
    condition     = length(var.zones) == 2
    error_message = "A gateway with two tunnels has a half in each of two zones."
  }
}

variable "name" {
  type        = string
  description = "What everything is called."
  default     = "gatewright-example"
}

variable "bandwidth" {
  type        = number
  description = "Mbit/s, each direction."
  default     = 10
}
