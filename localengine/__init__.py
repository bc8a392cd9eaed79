"""The Pulumi engine for machines without the pulumi CLI: same program, same state, same secrets."""
