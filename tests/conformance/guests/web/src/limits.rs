//! What a component must not be able to do to its host.

use std::hint::black_box;
use std::time::Duration;

/// Computes for ever.
pub fn spin() -> String {
    let mut number = 0_u64;
    loop {
        number = black_box(number.wrapping_add(1));
    }
}

/// Waits for longer than any deadline.
pub async fn sleep() -> String {
    spin_sdk::time::sleep(Duration::from_secs(3600)).await;
    "slept for an hour".to_owned()
}

/// Takes memory, a mebibyte at a time, and writes to it.
pub fn allocate(mebibytes: usize) -> String {
    let mut taken = Vec::new();
    for _ in 0..mebibytes {
        taken.push(black_box(vec![1_u8; 1 << 20]));
    }
    format!("took {} MiB", black_box(&taken).len())
}
