//! Sottovoce: relay.
