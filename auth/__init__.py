"""Identity and policy: who asks, and what they may do."""
