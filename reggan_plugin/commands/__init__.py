"""The subcommands of `reggan-plugin`: gather what was asked for, call one service, report."""
