//! A device's secrets, read from its folder with its storage key: what else its relay must
//! never see.

use std::path::Path;

use minicbor::Decoder;
use minicbor::bytes::ByteSlice;
use minicbor::data::Type;
use sottovoce::crypto::{Secret, aead, kdf};

/// A secret in a device's state, and what it is.
#[derive(Debug)]
pub struct Found {
    /// The record, and the place in it.
    pub name: String,
    /// 32 bytes.
    pub bytes: Vec<u8>,
}

/// The secrets of a device: signing key, seal keys, team keys, its keys and epoch secrets of
/// each contact, and the storage key. SPEC 9.3.
///
/// # Panics
/// When the folder is not a device's, or its key is sealed.
pub fn of_device(folder: &Path) -> Vec<Found> {
    let storage_key = std::fs::read(folder.join("storage-key")).unwrap();
    let key = Secret::from_slice(&storage_key).unwrap();
    let mut found = vec![Found {
        name: "storage key".into(),
        bytes: storage_key,
    }];
    let file = std::fs::read(folder.join("records")).unwrap();
    let mut file = Decoder::new(&file);
    assert_eq!(file.array().unwrap(), Some(2));
    file.skip().unwrap();
    for _ in 0..file.array().unwrap().unwrap() / 2 {
        let (name, sealed) = (file.str().unwrap(), file.bytes().unwrap());
        let places: &[&[Option<u64>]] = match name.split('.').next() {
            Some("device") => &[
                &[Some(0)],
                &[Some(1), None, Some(2)],
                &[Some(2), None, Some(3)],
            ],
            Some("contact") => &[
                &[Some(0), None, Some(1)],
                &[Some(1), None, Some(1)],
                &[Some(1), None, Some(2)],
            ],
            _ => continue,
        };
        let plaintext = open(&key, name, sealed);
        let mut strings = Vec::new();
        walk(&mut Decoder::new(&plaintext), &mut Vec::new(), &mut strings);
        for (path, bytes) in strings {
            if places.iter().any(|place| fits(place, &path)) {
                assert_eq!(bytes.len(), 32, "{name} {path:?}");
                let name = format!("{name} {path:?}");
                found.push(Found { name, bytes });
            }
        }
    }
    found
}

/// The seed of a device's signing key.
///
/// # Panics
/// As [`of_device`].
pub fn signing_seed(folder: &Path) -> Secret<32> {
    let found = of_device(folder);
    let seed = found.iter().find(|found| found.name == "device [0]");
    Secret::from_slice(&seed.unwrap().bytes).unwrap()
}

/// salt (16) || AES-256-GCM under Expand(storage key, "record", name, generation, salt).
fn open(key: &Secret<32>, name: &str, sealed: &[u8]) -> Vec<u8> {
    let (salt, ciphertext) = sealed.split_first_chunk::<16>().unwrap();
    let label = "sottovoce/0 record";
    let bytes: &ByteSlice = salt.as_slice().into();
    let info = minicbor::to_vec((label, name, 0, bytes));
    let aad = minicbor::to_vec((label, name, 0)).unwrap();
    let key = kdf::expand(key, &info.unwrap());
    aead::decrypt(&key, &[0; 12], &aad, ciphertext)
        .unwrap()
        .to_vec()
}

/// Collects the byte strings in nested arrays, each with the indices that lead to it.
fn walk(input: &mut Decoder<'_>, path: &mut Vec<u64>, out: &mut Vec<(Vec<u64>, Vec<u8>)>) {
    match input.datatype().unwrap() {
        Type::Array => {
            for index in 0..input.array().unwrap().unwrap() {
                path.push(index);
                walk(input, path, out);
                path.pop();
            }
        }
        Type::Bytes => out.push((path.clone(), input.bytes().unwrap().to_vec())),
        _ => input.skip().unwrap(),
    }
}

/// Whether a path leads to a place; none stands for every index of a list.
fn fits(place: &[Option<u64>], path: &[u64]) -> bool {
    let same = |(wanted, index): (&Option<u64>, &u64)| wanted.is_none_or(|wanted| wanted == *index);
    place.len() == path.len() && place.iter().zip(path).all(same)
}
