//! As much of DER as it takes to look into a certificate.

/// The content of the first element, with a length of up to two bytes, and what comes after it.
pub(crate) fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, content) = match bytes {
        [_, length, content @ ..] if *length < 0x80 => (usize::from(*length), content),
        [_, 0x81, length, content @ ..] => (usize::from(*length), content),
        [_, 0x82, high, low, content @ ..] => (usize::from(*high) << 8 | usize::from(*low), content),
        _ => return None,
    };
    content.split_at_checked(length)
}
