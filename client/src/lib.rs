//! Sottovoce: client.
