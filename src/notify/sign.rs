//! How does a receiver know that a message is ours? The signature of Standard Webhooks: id, time and body under one key.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a key begins whose bytes are written in base64, as the tools of the convention make them.
const ENCODED: &str = "whsec_";

/// The value of the header `webhook-signature`.
#[must_use]
pub fn signature(key: &str, id: &str, timestamp: i64, body: &str) -> String {
    let encoded = key.strip_prefix(ENCODED).and_then(|text| STANDARD.decode(text).ok());
    let bytes = encoded.unwrap_or_else(|| key.as_bytes().to_vec());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_convention() {
        // The example of the specification of Standard Webhooks.
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let plain = signature("a key of one's own", "1.0", 0, "{}");
        assert_ne!(plain, signature("another key", "1.0", 0, "{}"));
    }
}
