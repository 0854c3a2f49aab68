//! Sottovoce: uniffi.
