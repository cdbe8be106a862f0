"""SQL for both engines: how each of them says what the other says differently."""
