//! What do we remember? Journals that survive; the only room that knows the database.
