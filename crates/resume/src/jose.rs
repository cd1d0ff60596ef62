//! What the two JOSE formats have in common: their type and their longest token.

/// What a JWT or a JWE of this crate says it is (explicit typing, RFC 8725 §3.11).
pub const TOKEN_TYPE: &str = "resume+jwt";
/// JWT and JWE longer than this are refused unread, in bytes.
pub const MAX_JOSE_LEN: usize = 2_048;
