//! What did the author write? Text to a tree with positions; nothing resolved.
