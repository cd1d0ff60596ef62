//! Any sequence of inputs, with an adversarial clock, crashes and restores.

mod model;

use proptest::prelude::*;
use reveille_delivery::{Delivery, DeliverySettings, Input};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_job_ends_once_and_nothing_unwanted_leaves(script in proptest::collection::vec(any::<u8>(), 0..600)) {
        model::run(&script);
    }
}

proptest! {
    #[test]
    fn decoding_is_total(bytes: Vec<u8>) {
        let _ = Input::decode(&bytes);
        let mut versioned = vec![Input::VERSION];
        versioned.extend(&bytes);
        if let Ok(input) = Input::decode(&versioned) {
            let mut again = Vec::new();
            input.encode(&mut again);
            prop_assert_eq!(again, versioned, "one value, one encoding");
        }
        let _ = Delivery::read_snapshot(DeliverySettings::default(), 1, &bytes);
    }
}
