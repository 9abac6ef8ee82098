"""What config/examples asks for, in the words of the specs. Neighbours: `apply` and `drift` compare AWS with it."""

CLUSTER = "ml-prod"
POOL = "inf2"
SERVICE = "llama"
REPLICAS = 2
CONTAINER = "server"
