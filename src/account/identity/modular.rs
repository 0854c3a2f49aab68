//! Arithmetic modulo an odd number of any length, for signatures that others define. Every value
//! is public, so nothing takes constant time; and it is small, where libraries that also sign
//! and decrypt are most of what a browser would load.

use crate::gather::Gather;

/// An odd modulus above 1, without leading zero limbs.
pub(super) struct Modulus {
    /// Least significant first, as in every number here.
    limbs: Vec<u32>,
    /// `-1 / modulus` modulo 2^32.
    negative_inverse: u32,
    /// `R^2`, where `R` is 2^32 to the power of the number of limbs.
    r_squared: Element,
}

/// A number below its modulus, in Montgomery form: times `R`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element(Vec<u32>);

/// The limbs of a number in big-endian bytes.
pub(super) fn limbs(bytes: &[u8]) -> Vec<u32> {
    let limb = |bytes: &[u8]| bytes.iter().fold(0, |limb, b| limb << 8 | u32::from(*b));
    bytes.rchunks(4).map(limb).gather()
}

impl Modulus {
    /// `None` for an even number, for 1, and for one with a leading zero limb.
    pub(super) fn new(limbs: Vec<u32>) -> Option<Self> {
        let (first, last) = (*limbs.first()?, *limbs.last()?);
        if first % 2 == 0 || last == 0 || limbs == [1] {
            return None;
        }
        // Newton: each step doubles the number of bits that are right, from the one of 1 / odd.
        let inverse = (0..5).fold(1_u32, |inverse, _| {
            inverse.wrapping_mul(2_u32.wrapping_sub(first.wrapping_mul(inverse)))
        });
        let mut highest_bit = vec![0; limbs.len()];
        *highest_bit.last_mut()? = 1 << last.ilog2();
        let length = u32::try_from(limbs.len()).ok()?;
        let mut modulus = Self {
            limbs,
            negative_inverse: inverse.wrapping_neg(),
            r_squared: Element(Vec::new()),
        };
        let double = |element: Element| modulus.add(&element, &element);
        let r = (0..=last.leading_zeros()).fold(Element(highest_bit), |r, _| double(r));
        // `R` stands for 1, so `R^2` stands for `R`: two to the power of its bits.
        modulus.r_squared = modulus.power(&double(r), &[32 * length]);
        Some(modulus)
    }

    /// `None` if the number is not below the modulus.
    pub(super) fn element(&self, limbs: Vec<u32>) -> Option<Element> {
        let limbs = self.padded(limbs)?;
        let below = subtract(&mut limbs.clone(), &self.limbs);
        below.then(|| self.multiply(&Element(limbs), &self.r_squared))
    }

    /// A number below twice the modulus and no longer, reduced.
    pub(super) fn reduced(&self, limbs: Vec<u32>) -> Option<Element> {
        let limbs = self.padded(limbs)?;
        Some(self.multiply(&self.reduce(limbs), &self.r_squared))
    }

    fn padded(&self, mut limbs: Vec<u32>) -> Option<Vec<u32>> {
        if limbs.len() > self.limbs.len() {
            return None;
        }
        limbs.resize(self.limbs.len(), 0);
        Some(limbs)
    }

    /// The number that an element stands for.
    pub(super) fn number(&self, element: &Element) -> Vec<u32> {
        let mut one = vec![0; self.limbs.len()];
        one.iter_mut().take(1).for_each(|limb| *limb = 1);
        self.multiply(element, &Element(one)).0
    }

    pub(super) fn add(&self, a: &Element, b: &Element) -> Element {
        let mut sum = a.0.clone();
        sum.push(0);
        add_product(&mut sum, 1, &b.0);
        self.reduce(sum)
    }

    pub(super) fn subtract(&self, a: &Element, b: &Element) -> Element {
        let mut negative = self.limbs.clone();
        subtract(&mut negative, &b.0);
        self.add(a, &Element(negative))
    }

    /// Montgomery's: `a b / R`, which keeps the form.
    pub(super) fn multiply(&self, a: &Element, b: &Element) -> Element {
        let mut sum = vec![0; self.limbs.len() + 2];
        for limb in &a.0 {
            add_product(&mut sum, *limb, &b.0);
            // Such a multiple of the modulus that the lowest limb becomes zero and can go.
            let lowest = sum.first().copied().unwrap_or_default();
            let factor = lowest.wrapping_mul(self.negative_inverse);
            add_product(&mut sum, factor, &self.limbs);
            sum.rotate_left(1);
        }
        self.reduce(sum)
    }

    /// `base` to the power of `exponent`, which is not zero.
    pub(super) fn power(&self, base: &Element, exponent: &[u32]) -> Element {
        let mut power: Option<Element> = None;
        for bit in bits(exponent) {
            power = power.map(|power| self.multiply(&power, &power));
            if bit {
                power = Some(power.map_or_else(|| base.clone(), |it| self.multiply(&it, base)));
            }
        }
        power.unwrap_or_else(|| base.clone())
    }

    /// `1 / element` for a prime modulus, by Fermat's little theorem; 0 for 0.
    pub(super) fn invert(&self, element: &Element) -> Element {
        let mut exponent = self.limbs.clone();
        subtract(&mut exponent, &[2]);
        self.power(element, &exponent)
    }

    /// A number below twice the modulus, with as many limbs and perhaps more.
    fn reduce(&self, mut number: Vec<u32>) -> Element {
        let mut less = number.clone();
        if !subtract(&mut less, &self.limbs) {
            number = less;
        }
        number.truncate(self.limbs.len());
        Element(number)
    }
}

impl Element {
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|limb| *limb == 0)
    }
}

/// The bits of a number, most significant first.
pub(super) fn bits(limbs: &[u32]) -> impl Iterator<Item = bool> {
    let bits = |limb: &u32| {
        let limb = *limb;
        (0..32).rev().map(move |bit| limb >> bit & 1 == 1)
    };
    limbs.iter().rev().flat_map(bits)
}

/// Adds `factor` times `number`; `sum` has room for it.
fn add_product(sum: &mut [u32], factor: u32, number: &[u32]) {
    let number = number.iter().copied().chain(core::iter::repeat(0));
    let mut carry = 0;
    for (sum, limb) in sum.iter_mut().zip(number) {
        carry += u64::from(*sum) + u64::from(factor) * u64::from(limb);
        *sum = carry as u32;
        carry >>= 32;
    }
}

/// Subtracts modulo 2^32 to the power of the number of limbs; whether it went below zero.
fn subtract(from: &mut [u32], number: &[u32]) -> bool {
    let number = number.iter().copied().chain(core::iter::repeat(0));
    let mut borrow = false;
    for (from, limb) in from.iter_mut().zip(number) {
        let (difference, first) = from.overflowing_sub(limb);
        let (difference, second) = difference.overflowing_sub(u32::from(borrow));
        *from = difference;
        borrow = first || second;
    }
    borrow
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::crypto::hash::sha256;

    /// Whatever length: repeated hashes.
    fn bytes(length: usize, seed: u64) -> Vec<u8> {
        let block = |at: u64| sha256(&[seed.to_be_bytes(), at.to_be_bytes()].concat());
        (0..).flat_map(block).take(length).collect()
    }

    #[test]
    fn small_numbers_are_as_in_u64() {
        for n in (3..400_u32).step_by(2).chain([u32::MAX, u32::MAX - 2]) {
            let modulus = Modulus::new(vec![n]).unwrap();
            for a in [0, 1, 2, n / 2, n - 1].map(|a| a % n) {
                for b in [0, 1, 2, n / 3, n - 2, n - 1].map(|b| b % n) {
                    let [x, y] = [a, b].map(|it| modulus.element(vec![it]).unwrap());
                    let (a, b, n) = (u64::from(a), u64::from(b), u64::from(n));
                    let is = |element: Element, number: u64| {
                        assert_eq!(modulus.number(&element), limbs(&number.to_be_bytes()[4..]));
                    };
                    is(modulus.add(&x, &y), (a + b) % n);
                    is(modulus.subtract(&x, &y), (a + n - b) % n);
                    is(modulus.multiply(&x, &y), a * b % n);
                    is(modulus.power(&x, &[5]), a * a % n * a % n * a % n * a % n);
                }
            }
            assert!(modulus.element(vec![n]).is_none());
        }
    }

    #[test]
    fn large_numbers_keep_the_laws() {
        for length in [32, 255, 256, 257, 384, 512] {
            let mut n = bytes(length, 0);
            *n.last_mut().unwrap() |= 1;
            *n.first_mut().unwrap() |= 0x80;
            let modulus = Modulus::new(limbs(&n)).unwrap();
            let [a, b, c] = [1, 2, 3].map(|seed| {
                let below = [&[0], &bytes(length - 1, seed)[..]].concat();
                let number = limbs(&below);
                let element = modulus.element(number.clone()).unwrap();
                assert_eq!(modulus.number(&element), number);
                element
            });
            assert_eq!(
                modulus.multiply(&a, &modulus.add(&b, &c)),
                modulus.add(&modulus.multiply(&a, &b), &modulus.multiply(&a, &c)),
            );
            assert_eq!(modulus.subtract(&modulus.add(&a, &b), &b), a);
            assert!(modulus.subtract(&a, &a).is_zero());
            assert_eq!(
                modulus.multiply(&modulus.power(&a, &[11]), &modulus.power(&a, &[6])),
                modulus.power(&a, &[17]),
            );
            assert!(modulus.element(limbs(&n)).is_none());
            assert!(modulus.element(limbs(&vec![0xff; length])).is_none());
            assert_eq!(
                modulus.number(&modulus.element(vec![u32::MAX]).unwrap()),
                modulus.padded(vec![u32::MAX]).unwrap(),
            );
            assert!(modulus.reduced(limbs(&n)).unwrap().is_zero());
        }
    }

    #[test]
    fn what_is_no_odd_modulus_is_refused() {
        for limbs in [vec![], vec![0], vec![1], vec![3, 0], vec![2], vec![4, 1]] {
            assert!(Modulus::new(limbs).is_none());
        }
    }
}
