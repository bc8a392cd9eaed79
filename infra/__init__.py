"""What exists: the stack's resources as Pulumi components, and the settings that decide them."""
