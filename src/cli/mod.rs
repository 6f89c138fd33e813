//! Who is asking? The command line: the only room that knows all the others.
