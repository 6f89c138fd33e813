//! Starts the runtime, calls the command line, turns its status into an exit code; nothing else.

fn main() {}
