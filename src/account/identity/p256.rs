//! ECDSA over P-256 with SHA-256 (FIPS 186-5, SP 800-186), verification only.

use super::modular::{Element, Modulus, bits, limbs};
use crate::crypto::hash::sha256;
use crate::gather::Gather;

// SP 800-186 section 3.2.1.3; the curve is y² = x³ - 3x + b.
const P: [u32; 8] = [
    0xffff_ffff,
    0x0000_0001,
    0x0000_0000,
    0x0000_0000,
    0x0000_0000,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
];
const N: [u32; 8] = [
    0xffff_ffff,
    0x0000_0000,
    0xffff_ffff,
    0xffff_ffff,
    0xbce6_faad,
    0xa717_9e84,
    0xf3b9_cac2,
    0xfc63_2551,
];
const B: [u32; 8] = [
    0x5ac6_35d8,
    0xaa3a_93e7,
    0xb3eb_bd55,
    0x7698_86bc,
    0x651d_06b0,
    0xcc53_b0f6,
    0x3bce_3c3e,
    0x27d2_604b,
];
const G_X: [u32; 8] = [
    0x6b17_d1f2,
    0xe12c_4247,
    0xf8bc_e6e5,
    0x63a4_40f2,
    0x7703_7d81,
    0x2deb_33a0,
    0xf4a1_3945,
    0xd898_c296,
];
const G_Y: [u32; 8] = [
    0x4fe3_42e2,
    0xfe1a_7f9b,
    0x8ee7_eb4a,
    0x7c0f_9e16,
    0x2bce_3357,
    0x6b31_5ece,
    0xcbb6_4068,
    0x37bf_51f5,
];

/// A projective point: `x = X / Z`, `y = Y / Z`.
struct Point {
    x: Element,
    y: Element,
    z: Element,
}

/// The curve: its field and what its formulas need.
struct Curve {
    field: Modulus,
    one: Element,
    three: Element,
    b: Element,
    three_b: Element,
}

/// Whether `signature`, `R || S`, is one of `message` under `key`, `04 || x || y`. Compressed and
/// hybrid points are refused.
pub(super) fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let (x, y) = key
        .strip_prefix(&[4])
        .filter(|point| point.len() == 64)?
        .split_at_checked(32)?;
    let (r, s) = Some(signature)
        .filter(|signature| signature.len() == 64)?
        .split_at_checked(32)?;
    let curve = Curve::new()?;
    let key = curve.point(limbs(x), limbs(y))?;
    let order = Modulus::new(constant(&N))?;
    let r = order.element(limbs(r)).filter(|r| !r.is_zero())?;
    let s = order.element(limbs(s)).filter(|s| !s.is_zero())?;
    let hash = order.reduced(limbs(&sha256(message)))?;
    let inverse = order.invert(&s);
    let of_base = order.number(&order.multiply(&hash, &inverse));
    let of_key = order.number(&order.multiply(&r, &inverse));
    let sum = curve.sum(&of_base, &of_key, &key)?;
    // At infinity this is 0, and r is not.
    let x = curve.field.multiply(&sum.x, &curve.field.invert(&sum.z));
    (order.reduced(curve.field.number(&x))? == r).then_some(())
}

/// The limbs of a constant, which is written as people do.
fn constant(words: &[u32; 8]) -> Vec<u32> {
    words.iter().rev().copied().gather()
}

impl Curve {
    fn new() -> Option<Self> {
        let field = Modulus::new(constant(&P))?;
        let one = field.element(vec![1])?;
        let three = field.element(vec![3])?;
        let b = field.element(constant(&B))?;
        Some(Self {
            three_b: field.multiply(&b, &three),
            field,
            one,
            three,
            b,
        })
    }

    /// The affine point, if it is on the curve.
    fn point(&self, x: Vec<u32>, y: Vec<u32>) -> Option<Point> {
        let (x, y) = (self.field.element(x)?, self.field.element(y)?);
        let f = &self.field;
        // x³ - 3x + b
        let square = f.subtract(&f.multiply(&x, &x), &self.three);
        let right = f.add(&f.multiply(&square, &x), &self.b);
        (f.multiply(&y, &y) == right).then(|| Point {
            x,
            y,
            z: self.one.clone(),
        })
    }

    /// `of_base G + of_key key`, both in one walk over their bits.
    fn sum(&self, of_base: &[u32], of_key: &[u32], key: &Point) -> Option<Point> {
        let base = self.point(constant(&G_X), constant(&G_Y))?;
        let both = self.add(&base, key);
        let zero = || self.field.element(vec![0]);
        let mut sum = Point {
            x: zero()?,
            y: self.one.clone(),
            z: zero()?,
        };
        for pair in bits(of_base).zip(bits(of_key)) {
            sum = self.add(&sum, &sum);
            sum = match pair {
                (false, false) => continue,
                (true, false) => self.add(&sum, &base),
                (false, true) => self.add(&sum, key),
                (true, true) => self.add(&sum, &both),
            };
        }
        Some(sum)
    }

    /// The complete addition law of curves of prime order (Renes, Costello and Batina 2016,
    /// equation 1, with a = -3): right for any two points, equal, opposite or at infinity.
    fn add(&self, p: &Point, q: &Point) -> Point {
        let f = &self.field;
        let cross = |a: &Element, b: &Element, c: &Element, d: &Element| {
            f.add(&f.multiply(a, d), &f.multiply(b, c))
        };
        let xy = cross(&p.x, &p.y, &q.x, &q.y);
        let xz = cross(&p.x, &p.z, &q.x, &q.z);
        let yz = cross(&p.y, &p.z, &q.y, &q.z);
        let xx = f.multiply(&p.x, &q.x);
        let yy = f.multiply(&p.y, &q.y);
        let zz3 = f.multiply(&f.multiply(&p.z, &q.z), &self.three);
        // 3b z1 z2 - 3 (x1 z2 + x2 z1)
        let t = f.subtract(&f.multiply(&self.b, &zz3), &f.multiply(&self.three, &xz));
        let (plus, minus) = (f.add(&yy, &t), f.subtract(&yy, &t));
        // 3 x1 x2 - 3 z1 z2
        let u = f.subtract(&f.multiply(&self.three, &xx), &zz3);
        // 3b (x1 z2 + x2 z1) - 3 x1 x2 - 9 z1 z2
        let v = f.subtract(
            &f.multiply(&self.three_b, &xz),
            &f.multiply(&self.three, &f.add(&xx, &zz3)),
        );
        Point {
            x: f.subtract(&f.multiply(&xy, &minus), &f.multiply(&yz, &v)),
            y: f.add(&f.multiply(&plus, &minus), &f.multiply(&u, &v)),
            z: f.add(&f.multiply(&yz, &plus), &f.multiply(&xy, &u)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use p256::ecdsa::signature::Signer;
    use p256::ecdsa::{Signature, SigningKey};

    use super::*;

    /// Eight keys and messages, each signed by an implementation of its own.
    fn signed() -> impl Iterator<Item = (Vec<u8>, [u8; 1], Signature)> {
        (0..8_u8).map(|number| {
            let key = SigningKey::from_slice(&sha256(&[number])).unwrap();
            let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
            (point, [number], key.sign(&[number]))
        })
    }

    #[test]
    fn signatures_of_another_implementation_verify() {
        for (key, message, signature) in signed() {
            let signature = signature.to_bytes();
            assert!(verifies(&key, &message, &signature).is_some());
            assert!(verifies(&key, &[message[0] ^ 1], &signature).is_none());
            let (r, s) = signature.split_at(32);
            assert!(verifies(&key, &message, &[s, r].concat()).is_none());
            // FIPS 186-5 does not ask for the lower of the two values of s.
            let order = Modulus::new(constant(&N)).unwrap();
            let zero = order.element(vec![0]).unwrap();
            let other = order.subtract(&zero, &order.element(limbs(s)).unwrap());
            let other = bytes(&order.number(&other));
            assert!(verifies(&key, &message, &[r, &other].concat()).is_some());
        }
    }

    #[test]
    fn values_out_of_range_verify_nothing() {
        let (key, message, signature) = signed().next().unwrap();
        let signature = signature.to_bytes();
        let (r, s) = signature.split_at(32);
        let order = bytes(&constant(&N));
        for bad in [vec![0; 32], order, vec![0xff; 32]] {
            assert!(verifies(&key, &message, &[&bad, s].concat()).is_none());
            assert!(verifies(&key, &message, &[r, &bad].concat()).is_none());
        }
        let p = bytes(&constant(&P));
        let (x, y) = key[1..].split_at(32);
        for [x, y] in [[&p[..], y], [x, &p], [&[0; 32], &[0; 32]], [y, x]] {
            let point = [&[4], x, y].concat();
            assert!(verifies(&point, &message, &signature).is_none());
        }
        for form in [0, 2, 3, 5, 6, 7] {
            let point = [&[form], &key[1..]].concat();
            assert!(verifies(&point, &message, &signature).is_none());
        }
    }

    #[test]
    fn multiples_are_those_of_another_implementation() {
        use p256::elliptic_curve::sec1::ToSec1Point;
        let curve = Curve::new().unwrap();
        let base = curve.point(constant(&G_X), constant(&G_Y)).unwrap();
        for (a, b) in [
            (1_u64, 0_u64),
            (0, 1),
            (1, 1),
            (2, 1),
            (5, 7),
            (u64::MAX, 3),
        ] {
            // Both points are the base: additions of equal points are among these.
            let sum = curve
                .sum(&limbs(&a.to_be_bytes()), &limbs(&b.to_be_bytes()), &base)
                .unwrap();
            let scalar = p256::Scalar::from(a) + p256::Scalar::from(b);
            let expected = (p256::ProjectivePoint::GENERATOR * scalar)
                .to_affine()
                .to_sec1_point(false);
            let inverse = curve.field.invert(&sum.z);
            let coordinate =
                |c: &Element| bytes(&curve.field.number(&curve.field.multiply(c, &inverse)));
            let affine = [&[4], &coordinate(&sum.x)[..], &coordinate(&sum.y)].concat();
            assert_eq!(affine, expected.as_bytes());
        }
        // n G is at infinity, and so is its sum with itself.
        let infinity = curve.sum(&constant(&N), &[0; 8], &base).unwrap();
        assert!(infinity.z.is_zero());
        assert!(curve.add(&infinity, &infinity).z.is_zero());
    }

    fn bytes(limbs: &[u32]) -> Vec<u8> {
        limbs
            .iter()
            .rev()
            .flat_map(|limb| limb.to_be_bytes())
            .collect()
    }
}
