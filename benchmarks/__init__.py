"""What HQ can carry, measured on the real product: `python -m benchmarks fanout`."""
