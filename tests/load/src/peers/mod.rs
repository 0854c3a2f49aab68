//! What is measured beside: two log stores that synchronise every message, and a WebSocket server
//! that does nothing. Their protocols are spoken by hand, with as little work as they allow.

pub mod echo;
pub mod nats;
pub mod redis;
