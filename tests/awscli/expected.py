"""What config/examples asks for, in the words of the specs. Neighbours: `apply` and `drift` compare AWS with it."""

CLUSTER = "ml-prod"
POOL = "inf2"
SERVICE = "llama"
REPLICAS = 2
CONTAINER = "server"
# The file with all of this, for tests that need nothing else.
SOURCE = "config/examples/vllm-managed.yaml"
