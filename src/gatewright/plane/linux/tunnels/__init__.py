"""IPsec tunnels of instances: how their packets are carried, and who looks after them."""
