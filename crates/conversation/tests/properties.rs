//! What must hold in any order of events: see `model`.

mod model;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_order(script in proptest::collection::vec(any::<u8>(), 0..900)) {
        model::run(&script);
    }
}
