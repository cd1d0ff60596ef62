//! The field against a library of big integers, with limbs at their limits; eight different cases in the lanes.
//!
//! Compared is what the types promise: the number mod p, its bound, and limbs of 52 bits.

use std::sync::LazyLock;

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::ifma::Ifma;
use crate::ifma::boundary::{Words, load, store};
use crate::ifma::invert::invert_all;

/// Five limbs in eight lanes, in memory.
type Raw = [Words; 5];
type Lanes<T> = [T; 8];

/// Runs a function for IFMA on lanes; where the processor has none, the tests in `tests/` say so.
fn run<A>(work: unsafe fn(A) -> Raw, argument: A) -> Option<Lanes<[i64; 5]>> {
    let out = Ifma::detect()?.run(work, argument);
    Some(std::array::from_fn(|lane| out.map(|words| words[lane].cast_signed())))
}

fn to_lanes(cases: &Lanes<[i64; 5]>) -> Raw {
    std::array::from_fn(|limb| cases.map(|case| case[limb].cast_unsigned()))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn get(raw: &Raw) -> Limbs {
    raw.each_ref().map(|words| load(words))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn put(limbs: Limbs) -> Raw {
    limbs.map(|limb| store(limb))
}

fn value(limbs: &[i64; 5]) -> BigInt {
    limbs.iter().rev().fold(BigInt::ZERO, |value, limb| (value << 52) + limb)
}

fn p() -> BigInt {
    value(&P)
}

fn mod_p(number: &BigInt) -> BigInt {
    ((number % p()) + p()) % p()
}

fn limbs(number: &BigInt) -> [i64; 5] {
    std::array::from_fn(|limb| i64::try_from((number >> (52 * limb)) % (BigInt::from(1) << 52)).unwrap())
}

/// At least 0 and below b/16 · p.
fn within(number: &BigInt, b: u32) -> bool {
    *number >= BigInt::ZERO && number * 16 < p() * b
}

/// Numbers below b/16 · p: around multiples of p, with limbs at their limits, or any.
fn number(b: u32) -> BoxedStrategy<[i64; 5]> {
    let limb = prop_oneof![
        Just(0_i64),
        Just(1),
        Just(MASK),
        Just(MASK - 1),
        Just(1 << 51),
        Just(P[1]),
        Just(P[3]),
        0..=MASK
    ];
    let of_limbs = prop::array::uniform5(limb).prop_map(|limbs| value(&limbs));
    let near_p = (0..=16_i64, -2..=2_i64).prop_map(|(k, off)| p() * k + off);
    let near_power = (0..260_u32, -1..=1_i64).prop_map(|(bits, off)| (BigInt::from(1) << bits) + off);
    let any = prop_oneof![4 => of_limbs, 2 => near_p, 1 => near_power];
    any.prop_map(move |number| {
        // So that the greatest is met often, too.
        let most: BigInt = (p() * b - 1) / 16;
        limbs(&number.max(BigInt::ZERO).min(most))
    })
    .boxed()
}

/// Limbs that were added up, some of them negative, below b/16 · p together.
fn sum(b: u32) -> BoxedStrategy<[i64; 5]> {
    let limb = prop_oneof![
        Just(0),
        Just((1_i64 << 59) - 1),
        Just(1 - (1_i64 << 59)),
        Just(MASK),
        Just(-1),
        -(1_i64 << 59)..1 << 59
    ];
    let any = (prop::array::uniform4(limb), number(b));
    any.prop_map(move |([l0, l1, l2, l3], number)| {
        // The top limb makes up for what the others add to the number.
        let low = value(&[l0, l1, l2, l3, 0]);
        let top = i64::try_from((value(&number) - low) >> 208_u32).unwrap();
        let limbs = [l0, l1, l2, l3, top];
        if within(&value(&limbs), b) { limbs } else { number }
    })
    .boxed()
}

fn eight(one: BoxedStrategy<[i64; 5]>) -> BoxedStrategy<Lanes<[i64; 5]>> {
    prop::array::uniform8(one).boxed()
}

/// Compares a result, mod p, with what it should be, and with its bound.
#[track_caller]
fn check(out: Option<Lanes<[i64; 5]>>, bound: u32, expected: impl Fn(usize) -> BigInt) {
    for (lane, limbs) in out.iter().flatten().enumerate() {
        let number = value(limbs);
        assert_eq!(mod_p(&number), mod_p(&expected(lane)), "lane {lane}");
        assert!(within(&number, bound), "lane {lane}: bound {bound}: {number:x}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn product(a in eight(number(240)), b in eight(number(256))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work((a, b): (Raw, Raw)) -> Raw {
            let out: Sum<256> = mul(&Factor::<240>(get(&a)), &Factor::<256>(get(&b)));
            put(out.0)
        }
        let out = run(work, (to_lanes(&a), to_lanes(&b)));
        check(out, 256, |lane| value(&a[lane]) * value(&b[lane]) * inverse_of_radix());
    }

    #[test]
    fn own_product(a in eight(number(247))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work(a: Raw) -> Raw {
            let out: Sum<256> = square(&Factor::<247>(get(&a)));
            put(out.0)
        }
        check(run(work, to_lanes(&a)), 256, |lane| value(&a[lane]).pow(2) * inverse_of_radix());
    }

    #[test]
    fn sum_of_products(a in eight(number(120)), b in eight(number(256)), c in eight(number(256)), d in eight(number(120))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work((a, b, c, d): (Raw, Raw, Raw, Raw)) -> Raw {
            let (a, b) = (Factor::<120>(get(&a)), Factor::<256>(get(&b)));
            let (c, d) = (Factor::<256>(get(&c)), Factor::<120>(get(&d)));
            let out: Sum<256> = mul_add(&a, &b, &c, &d);
            put(out.0)
        }
        let out = run(work, (to_lanes(&a), to_lanes(&b), to_lanes(&c), to_lanes(&d)));
        check(out, 256, |lane| {
            (value(&a[lane]) * value(&b[lane]) + value(&c[lane]) * value(&d[lane])) * inverse_of_radix()
        });
    }

    /// The rubbish above 52 bits does not reach a product.
    #[test]
    fn factors_may_have_high_bits(a in eight(number(240)), high in 0..1_i64 << 12) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work(a: Raw) -> Raw {
            let out: Sum<256> = mul(&Factor::<240>(get(&a)), &Factor::<240>(get(&a)));
            put(out.0)
        }
        let with_rubbish = a.map(|a| a.map(|limb| limb | high << 52));
        prop_assert_eq!(run(work, to_lanes(&a)), run(work, to_lanes(&with_rubbish)));
    }

    #[test]
    fn carries(a in eight(sum(256))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work(a: Raw) -> Raw {
            put(Sum::<256>(get(&a)).element().0)
        }
        // Exactly the number, in limbs of 52 bits.
        let expected = a.map(|a| limbs(&value(&a)));
        prop_assert!(run(work, to_lanes(&a)).is_none_or(|out| out == expected));
    }

    #[test]
    fn settled(a in eight(sum(256))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work(a: Raw) -> Raw {
            put(Sum::<256>(get(&a)).settle().0)
        }
        check(run(work, to_lanes(&a)), 17, |lane| value(&a[lane]));
    }

    #[test]
    fn sums(a in eight(sum(64)), b in eight(sum(48))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn plus((a, b): (Raw, Raw)) -> Raw {
            put(Sum::<64>(get(&a)).plus::<48, 112>(Sum(get(&b))).0)
        }
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn minus((a, b): (Raw, Raw)) -> Raw {
            put(Sum::<64>(get(&a)).minus::<48, 112>(Sum(get(&b))).0)
        }
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn times((a, _): (Raw, Raw)) -> Raw {
            put(Sum::<64>(get(&a)).times::<3, 192>().0)
        }
        let both = (to_lanes(&a), to_lanes(&b));
        check(run(plus, both), 112, |lane| value(&a[lane]) + value(&b[lane]));
        check(run(minus, both), 112, |lane| value(&a[lane]) - value(&b[lane]));
        check(run(times, both), 192, |lane| value(&a[lane]) * 3);
    }

    #[test]
    fn by_lanes(a in eight(number(32)), b in eight(number(32)), mask: u8) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn negated((a, _, mask): (Raw, Raw, u8)) -> Raw {
            put(Element::<32>(get(&a)).negated::<32>(mask).element().0)
        }
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn replaced((a, b, mask): (Raw, Raw, u8)) -> Raw {
            put(Element::<32>(get(&a)).replaced(mask, Element(get(&b))).0)
        }
        let argument = (to_lanes(&a), to_lanes(&b), mask);
        let in_mask = |lane: usize| mask >> lane & 1 == 1;
        // 2p − 0 is 2p.
        check(run(negated, argument), 33, |lane| if in_mask(lane) { -value(&a[lane]) } else { value(&a[lane]) });
        let expected = std::array::from_fn(|lane| if in_mask(lane) { b[lane] } else { a[lane] });
        prop_assert!(run(replaced, argument).is_none_or(|out| out == expected));
    }

    #[test]
    fn canonical(a in eight(number(32))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work(a: Raw) -> Raw {
            put(Element::<32>(get(&a)).canonical().0)
        }
        /// The masks of `below_p` and `zero`.
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn masks(a: Raw) -> Raw {
            let a = Element::<32>(get(&a));
            let masks = [a.below_p(), a.canonical().zero()].map(|mask| [u64::from(mask); 8]);
            [masks[0], masks[1], [0; 8], [0; 8], [0; 8]]
        }
        let expected = a.map(|a| limbs(&mod_p(&value(&a))));
        prop_assert!(run(work, to_lanes(&a)).is_none_or(|out| out == expected));
        if let Some([[below, zero, ..], ..]) = run(masks, to_lanes(&a)) {
            for (lane, a) in a.iter().enumerate() {
                prop_assert_eq!(below >> lane & 1 == 1, value(a) < p());
                prop_assert_eq!(zero >> lane & 1 == 1, mod_p(&value(a)) == BigInt::ZERO);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Inverses of three at once: right where none is 0, and a 0 is noticed whatever lane it is in.
    #[test]
    fn inverses(a in eight(number(17)), b in eight(number(17)), c in eight(number(17))) {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn work((numbers, which): ([Raw; 3], usize)) -> Raw {
            let mut numbers = numbers.map(Stored);
            if invert_all(&mut numbers) { numbers[which].0 } else { [[u64::MAX; 8]; 5] }
        }
        let cases = [a, b, c];
        let any_zero = cases.iter().flatten().any(|case| mod_p(&value(case)) == BigInt::ZERO);
        for (which, case) in cases.iter().enumerate() {
            let out = run(work, (cases.map(|case| to_lanes(&case)), which));
            if any_zero {
                prop_assert!(out.is_none_or(|out| out == [[-1; 5]; 8]), "a zero went unnoticed");
            } else {
                // In Montgomery form: a·2⁻²⁶⁰ · out·2⁻²⁶⁰ = 1.
                let product = out.map(|out| std::array::from_fn(|lane| limbs(&mod_p(&(value(&out[lane]) * value(&case[lane]))))));
                check(product, 16, |_| BigInt::from(1) << 520_u32);
            }
        }
    }
}

/// 2⁻²⁶⁰ mod p.
fn inverse_of_radix() -> &'static BigInt {
    static INVERSE: LazyLock<BigInt> =
        LazyLock::new(|| (BigInt::from(1) << 260_u32).modpow(&(p() - 2), &p()));
    &INVERSE
}

#[test]
fn constants() {
    let text = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
    assert_eq!(format!("{:x}", p()), text);
    assert_eq!(value(&ONE), mod_p(&(BigInt::from(1) << 260_u32)));
    assert_eq!(value(&INTO_FORM), mod_p(&(BigInt::from(1) << 520_u32)));
    let b =
        BigInt::parse_bytes(b"5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16).unwrap();
    assert_eq!(value(&CURVE_B), mod_p(&(b << 260_u32)));
    assert_eq!(value(&OUT_OF_FORM), BigInt::from(1));
}
