"""Reading what other tools read, as far as exarp can say the same: Makefiles, justfiles, Taskfiles, npm's scripts."""
