//! How good bytes go bad.

use sottovoce::wire::DecodeError;

/// What a decoder makes of bytes: what it read, encoded again.
pub type Decoder<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, DecodeError> + 'a;

/// Initial bytes of every CBOR type, short and long, definite and not (RFC 8949 appendix B).
const HEADS: [u8; 26] = [
    0x00, 0x17, 0x18, 0x1b, 0x1c, 0x20, 0x3b, 0x40, 0x5b, 0x5f, 0x60, 0x7b, 0x7f, 0x80, 0x9b, 0x9f,
    0xa0, 0xbb, 0xbf, 0xc0, 0xdb, 0xf4, 0xf6, 0xf7, 0xfb, 0xff,
];

/// Holds a decoder against everything that good bytes can turn into.
pub fn try_everything(name: &str, good: &[u8], decode: &Decoder<'_>) {
    assert_eq!(decode(good).as_deref(), Ok(good), "{name}");
    for length in 0..good.len() {
        refuse(name, &good[..length], decode);
    }
    for extra in HEADS {
        refuse(name, &[good, &[extra]].concat(), decode);
    }
    // Large samples are mostly key material: every byte of them, but not every bit.
    let step = if good.len() > 600 { 8 } else { 1 };
    for bit in (0..good.len() * 8).step_by(step) {
        let mut changed = good.to_vec();
        changed[bit / 8] ^= 1 << ((bit / 8 + bit) % 8);
        survive(name, &changed, decode);
    }
    let step = good.len() / 600 + 1;
    for index in (0..good.len()).step_by(step) {
        for head in HEADS {
            let mut changed = good.to_vec();
            changed[index] = head;
            survive(name, &changed, decode);
        }
        let mut shorter = good.to_vec();
        shorter.remove(index);
        survive(name, &shorter, decode);
        let mut longer = good.to_vec();
        longer.insert(index, good[index]);
        survive(name, &longer, decode);
    }
    for hostile in hostile(good) {
        refuse(name, &hostile, decode);
    }
}

/// Bytes that no structure of ours consists of.
fn hostile(good: &[u8]) -> Vec<Vec<u8>> {
    const DEEP: usize = 60_000;
    let huge = |head: u8| [&[head][..], &[0xff; 8]].concat();
    let mut all = vec![
        Vec::new(),
        vec![0xff],
        vec![0x81; DEEP],
        vec![0x9f; DEEP],
        vec![0xc0; DEEP],
        [0xa1, 0x00].repeat(DEEP / 2),
        [0xbf, 0x00].repeat(DEEP / 2),
        huge(0x5b),
        huge(0x7b),
        huge(0x9b),
        huge(0xbb),
    ];
    // One more element than there is, however deep.
    if let [head @ 0x80..0x97, rest @ ..] = good {
        for extra in [&[0x81; DEEP][..], &[0x9f; DEEP], &[0xc0; DEEP], &[0x00]] {
            all.push([&[head + 1], rest, extra].concat());
        }
        // The same array with an indefinite length, or a length in more bytes than it needs.
        all.push([&[0x9f], rest, &[0xff]].concat());
        all.push([&[0x98, head - 0x80], rest].concat());
    }
    // As the value of a map, with a tag, within an array.
    all.push([&[0xa1, 0x00], good].concat());
    all.push([&[0xc1], good].concat());
    all.push([&[0x81], good].concat());
    all
}

fn refuse(name: &str, bytes: &[u8], decode: &Decoder<'_>) {
    let error = decode(bytes).expect_err(name);
    assert!(
        ["malformed", "not-deterministic", "too-large"].contains(&error.code()),
        "{name}"
    );
}

/// Changed bytes may mean something else; then they are its one encoding.
fn survive(name: &str, bytes: &[u8], decode: &Decoder<'_>) {
    match decode(bytes) {
        Ok(again) => assert_eq!(again, bytes, "{name}"),
        Err(_) => refuse(name, bytes, decode),
    }
}
