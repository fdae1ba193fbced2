//! [MurmurHash2](https://github.com/aappleby/smhasher/blob/master/src/MurmurHash2.cpp) of 32 bits, by which frontends name cells.

const M: u32 = 0x5bd1_e995;

/// The hash of bytes.
pub(super) fn hash(bytes: &[u8], seed: u32) -> u32 {
    // As many as an `u32` holds; no cell is longer.
    let mut hash = seed ^ u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let rest = rest.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn hashes_are_those_of_ipykernels_frontends() {
        // As ipykernel's `murmur2_x86` computes them.
        let expected = [0, 2456313694, 3376380438, 936212477];
        assert_eq!([hash(b"", 0), hash(b"a", 0), hash(b"abcd", 1), hash("喫茶店".as_bytes(), 7)], expected);
    }
}
