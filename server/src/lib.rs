//! Sottovoce: server.
