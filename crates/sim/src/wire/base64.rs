//! Base64 as user data is sent. Neighbours: `ec2::template` decodes and checks with it. No meaning of the bytes belongs here.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes, or none when the text is not base64. Line breaks are allowed, as `base64` writes them.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let padding = bytes.iter().rev().take_while(|b| **b == b'=').count();
    if padding > 2 {
        return None;
    }
    let digits = bytes.get(..bytes.len() - padding)?;
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    for chunk in digits.chunks(4) {
        let mut group: u32 = 0;
        for byte in chunk {
            let value = ALPHABET.iter().position(|a| a == byte)?;
            group = (group << 6) | u32::try_from(value).ok()?;
        }
        group <<= 6 * u32::try_from(4 - chunk.len()).ok()?;
        out.extend(group.to_be_bytes().iter().skip(1).take(chunk.len().saturating_sub(1)));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn padding_and_line_breaks_are_read_and_other_text_is_refused() {
        assert_eq!(decode("aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(decode("aGVs\nbG8h"), Some(b"hello!".to_vec()));
        assert_eq!(decode("aA=="), Some(b"h".to_vec()));
        assert_eq!(decode(""), Some(Vec::new()));
        for bad in ["a", "#!/bin/bash", "aA=a", "a===", "=="] {
            assert!(decode(bad).is_none_or(|b| b.is_empty() && bad == "=="), "{bad}");
        }
    }
}
